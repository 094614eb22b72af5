"""Two trainings beside each other: a verdict, their losses in one plot, and a table of their figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.training import Training
from gradb.present.draw import theme
from gradb.present.draw.curves import Canvas, curves_of
from gradb.present.draw.fields import cut, wrapped
from gradb.present.draw.safe import plain
from gradb.present.json.training import nonfinite_json, training_json
from gradb.present.json.values import Json, number_json
from gradb.present.lines.readings import figure_text, flowed, last_iteration
from gradb.present.lines.verdict import Comparison, Figures, compared, figures
from gradb.present.options import Options
from gradb.present.panes.training import caption, plotted, shown_window

_NAME_LIMIT = 40
_MAX_MARKS = 3


Lacks = tuple[Sequence[str], Sequence[str]]
"""Of each run the sentences for what was not recorded of it."""
_WHOLE: Lacks = ((), ())


def compare(
    left: Training,
    right: Training,
    labels: tuple[str, str],
    options: Options,
    lacks: Lacks = _WHOLE,
    related: Sequence[str] = (),
) -> RenderableType:
    """Return verdict, plot and table.

    Args:
        left: one training.
        right: the other one.
        labels: the names of the runs, e.g. of their files.
        options: the room there is.
        lacks: what was not recorded of each.
        related: how the runs are related, in sentences.
    """
    width = options.width
    lines = wrapped(_verdict(left, right, labels, lacks).text, width, theme.TITLE)
    for sentence in related:
        lines += wrapped(plain(sentence), width, "")
    for label, sentences in zip(labels, lacks, strict=True):
        for sentence in sentences:
            lines += wrapped(f"! {plain(label, _NAME_LIMIT)}: {sentence}", width, theme.WARNING)
    curves = curves_of(left.losses, right.losses, labels[1], labels[0])
    table = table_lines(left, right, labels, width)
    if not curves:
        return Group(*[*lines, *table][: options.height])
    longest = last_iteration([curve.series for curve in curves])
    window = shown_window([*left.losses, *right.losses], options.plot, longest)
    entries = [Text(no_wrap=True).append_text(c.sample).append(f" {plain(c.label, _NAME_LIMIT)}") for c in curves]
    lines += flowed([*entries, *caption(window, curves, options.plot)], width)
    left_out = len(left.losses) + len(right.losses) - len(curves)
    lines += wrapped(f"{left_out} more losses are not plotted", width, theme.DIM) if left_out else []
    drawing = Canvas(curves, window, options.plot.is_log, None, left.marks, right.marks)
    return Group(*plotted(drawing, lines, options, table))


def _verdict(left: Training, right: Training, labels: tuple[str, str], lacks: Lacks) -> Comparison:
    """Return how the losses relate, as far as they are known."""
    found = compared(left, right, labels)
    return replace(found, text=f"as far as was recorded: {found.text}") if any(lacks) else found


# --- the table --------------------------------------------------------------------------------------------------------


def table_lines(left: Training, right: Training, labels: tuple[str, str], width: int) -> list[Text]:
    """Return the figures of both runs in columns."""
    heads = [Text(plain(label, _NAME_LIMIT), style=theme.TITLE) for label in labels]
    pairs = zip(_rows(left, figures(left)), _rows(right, figures(right)), strict=True)
    rows = [("", heads[0], heads[1]), *((name, one, other) for (name, one), (_, other) in pairs)]
    names = max(len(name) for name, _, _ in rows)
    room = max(width - names - 4, 2)
    column = min(max(one.cell_len for _, one, _ in rows), room // 2)
    lines = []
    for name, one, other in rows:
        cell = cut(one, column)
        line = Text(no_wrap=True).append(f"{name:<{names}}  ", theme.DIM).append_text(cell)
        lines.append(cut(line.append(" " * (column - cell.cell_len + 2)).append_text(other), width))
    return lines


def _rows(training: Training, found: Figures) -> list[tuple[str, Text]]:
    lowest = Text(no_wrap=True).append_text(_figure(found.minimum))
    if found.minimum_at is not None:
        lowest.append(f" (iteration {found.minimum_at:,})", theme.DIM)
    return [
        ("iterations", Text(f"{found.iterations:,}" + ("" if training.is_finished else " so far"))),
        ("first loss", _figure(found.first)),
        ("last loss", _figure(found.last)),
        ("lowest loss", lowest),
        ("first NaN or infinity", _nonfinite(training)),
        ("changes", Text(_changes(training))),
        ("seed", Text("none given" if training.seed is None else str(training.seed))),
    ]


def _figure(value: float | None) -> Text:
    return Text("none", style=theme.DIM) if value is None else figure_text(value)


def _nonfinite(training: Training) -> Text:
    hit = training.first_nonfinite
    if hit is None:
        return Text("none", style=theme.DIM)
    whose = hit.series.label if hit.series.kind == "loss" else "gradient norm"
    return Text(f"iteration {hit.iteration:,} ({plain(whose, _NAME_LIMIT)})", style=theme.WARNING)


def _changes(training: Training) -> str:
    names = {"zero_grad": "zero_grad ", "lr": "lr ", "record": "record "}
    texts = [f"{names[mark.what]}{plain(mark.value, 20)}@{mark.iteration}" for mark in training.marks[:_MAX_MARKS]]
    more = len(training.marks) - _MAX_MARKS
    return ", ".join([*texts, *([f"and {more} more"] if more > 0 else [])]) or "none"


# --- as data ----------------------------------------------------------------------------------------------------------


def compare_json(left: Training, right: Training, labels: tuple[str, str], lacks: Lacks = _WHOLE) -> Json:
    """Return the verdict, and of each run its label, what it lacks, its figures and its training."""
    verdict = _verdict(left, right, labels, lacks)
    runs = [
        _run_json(label, run) | {"not_recorded": list(lacking)}
        for label, run, lacking in zip(labels, (left, right), lacks, strict=True)
    ]
    return {"verdict": verdict.text, "parts_at": verdict.parts_at, "runs": runs}


def _run_json(label: str, training: Training) -> Json:
    found = figures(training)
    numbers: Sequence[str] = ("first", "last", "minimum")
    return {
        "label": label,
        "iterations": found.iterations,
        **{key: number_json(getattr(found, key)) for key in numbers},
        "minimum_iteration": found.minimum_at,
        "first_nonfinite": nonfinite_json(training.first_nonfinite),
        "training": training_json(training),
    }
