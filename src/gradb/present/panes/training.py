"""The training pane: where the training stands, and its losses over the iterations."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.frame.training import Training
from gradb.present.draw import theme
from gradb.present.draw.columns import IterationRange
from gradb.present.draw.curves import Canvas, Curve, Fork, curves_of, kin_curve, look_of, smooth_curves
from gradb.present.draw.fields import cut, wrapped
from gradb.present.draw.numbers import shape_text
from gradb.present.draw.plot import MIN_HEIGHT, draw, notes
from gradb.present.draw.safe import plain, plain_path
from gradb.present.json.training import checkpoints_json, kin_json, training_json
from gradb.present.json.values import Json
from gradb.present.lines.checkpoints import told
from gradb.present.lines.faults import fault_notes
from gradb.present.lines.readings import figure_text, flowed, last_iteration, status_lines
from gradb.present.lines.verdict import parting
from gradb.present.options import Branches, Kin, Options, OtherRun, Plot
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.series import Series

PLOT_HEIGHT = 16
"""Lines of the plot where no height is given."""
_NAME_LIMIT = 40
_RUN_LIMIT = 80  # of a run and its policy, or its loss
_MAX_NORMS = 2  # lines of them
_NEVER = "the losses differ from the first on"


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the readings at the position over the plot of the losses."""
    width, training, ghost = options.width, frame.training, options.ghost
    curves, others = run_curves(training, options)
    has_legend = len(curves) > 1 or ghost is not None
    lines = fault_notes(options.judged, frame.position, width)  # first: the readings alone would look healthy
    lines += _chosen(training, options.plot, width)
    lines += [*status_lines(training, width, has_legend=has_legend), *_kept(options), *_without_loss(frame, width)]
    if not training.losses and ghost is None:
        return Group(*lines[: options.height])
    window = shown_window(training.losses or _losses(ghost), options.plot, _longest(curves))
    smooth = smooth_curves(curves, options.plot.smooth, window)
    has_runs = ghost is not None or bool(options.branches.here)
    entries = legend(curves, training, others if has_runs else None, smooth) if has_legend else []
    lines += flowed(
        [*entries, *_about_means(smooth, options.plot.smooth), *caption(window, curves, options.plot)], width
    )
    lines += _about_ghost(training, ghost, width) if ghost else []
    lines += _left_out(len(training.losses) + len(_losses(ghost)) + _kin_count(options) - len(curves), width)
    cursor = min(training.iteration, max(_longest(curves), 1)) if training.position else None
    drawing = Canvas(
        (*smooth, *curves), window, options.plot.is_log, cursor, training.marks, forks=forks(options),
        chosen=options.plot.chosen,
    )  # fmt: skip
    return Group(*plotted(drawing, lines, options, _norms(training, width)))


def plotted(drawing: Canvas, above: list[Text], options: Options, below: Sequence[Text] = ()) -> list[Text]:
    """Return the plot between other lines, in the height there is; what is below goes first, then the plot."""
    width = options.width
    if options.height is None:
        picture = draw(drawing, width, PLOT_HEIGHT)
        said = [line for note in picture.notes for line in wrapped(note, width, theme.DIM)]
        return [*above, *picture.lines, *said, *below]
    if options.height > MIN_HEIGHT:  # the plot goes before all but the first of the lines above it
        above = above[: options.height - MIN_HEIGHT]
    room = options.height - len(above)
    below = below if room >= PLOT_HEIGHT + len(below) else ()
    room -= len(below)
    if room < MIN_HEIGHT:
        return above[: options.height]
    said = [line for note in notes(drawing, width, room) for line in wrapped(note, width, theme.DIM)]
    said = said[: room - MIN_HEIGHT]
    return [*above, *draw(drawing, width, room - len(said)).lines, *said, *below]


# --- what is plotted --------------------------------------------------------------------------------------------------


def run_curves(training: Training, options: Options) -> tuple[tuple[Curve, ...], dict[int, OtherRun | Kin]]:
    """Return the curves of this run, the ghost and branches; and whose the others are, by the ids of their series."""
    ghost, branches = options.ghost, options.branches
    names = (f"ghost: {ghost.label}" if ghost else "", _own_name(training, branches))
    if ghost is None and not branches.here:
        names = ("", "")
    kin = [(series, one) for one in branches.others for series in one.series if series.kind == "loss"]
    firsts = {one.number: series for series, one in reversed(kin)}
    curves = (
        *curves_of(training.losses, _losses(ghost), *names),
        *(kin_curve(firsts[one.number], one.name, one.number) for one in branches.others if one.number in firsts),
    )
    others: dict[int, OtherRun | Kin] = {id(series): ghost for series in _losses(ghost) if ghost is not None}
    return curves, others | {id(series): one for series, one in kin}


def forks(options: Options) -> tuple[Fork, ...]:
    """Return where branches begin, but for that one which is looked at: it says so itself."""
    found = []
    for one in options.branches.others:
        if one.change:
            sign, style = look_of(one.number)
            found.append(Fork(one.iteration, f"{sign} {one.change}", style))
    return tuple(found)


def _losses(ghost: OtherRun | None) -> tuple[Series, ...]:
    return tuple(series for series in ghost.series if series.kind == "loss") if ghost is not None else ()


def _longest(curves: Sequence[Curve]) -> int:
    return last_iteration([curve.series for curve in curves])


def shown_window(own: Sequence[Series], plot: Plot, longest: int) -> IterationRange:
    """Return the whole of all runs, or the last iterations of the run that one looks at."""
    if plot.last is None:
        return IterationRange(1, max(longest, 1))
    last = max(last_iteration(own), 1)
    return IterationRange(max(last - max(plot.last, 1) + 1, 1), last)


def legend(
    curves: Sequence[Curve],
    training: Training,
    others: Mapping[int, OtherRun | Kin] | None,
    smooth: Sequence[Curve] = (),
) -> list[Text]:
    """Return sign, name and value at the position of each curve; the sign of its smoothed line stands first.

    Args:
        curves: what is drawn.
        training: of the run that one looks at.
        others: whose the series are that are not its own, by their ids; None: there is but one run.
        smooth: the smoothed lines.
    """
    entries = [
        _run_entry(curve, training, others.get(id(curve.series)))
        if others is not None
        else _loss_entry(curve, training)
        for curve in curves
    ]
    means = [mean.sample.append(" ") for mean in smooth] + [Text()] * (len(curves) - len(smooth))
    return [Text(no_wrap=True).append_text(mean).append_text(entry) for mean, entry in zip(means, entries, strict=True)]


def _loss_entry(curve: Curve, training: Training) -> Text:
    """Return ``+++ aux:50 = 2.86``."""
    line = Text(no_wrap=True).append_text(curve.sample).append(f" {plain(curve.label, _NAME_LIMIT)} ")
    value = curve.series.latest(training.position)
    return (
        line.append("no value yet", theme.DIM) if value is None else line.append("= ").append_text(figure_text(value))
    )


def _run_entry(curve: Curve, training: Training, other: OtherRun | Kin | None) -> Text:
    """Return ``ggg ghost: zero_grad off (loss 2.86)``: what a run is, and its value apart from that."""
    value = curve.series.latest(training.position) if other is None else _value_at(curve.series, training.iteration)
    name = other.label if isinstance(other, Kin) else curve.label
    line = Text(no_wrap=True).append_text(curve.sample).append(f" {plain(name, _RUN_LIMIT)} (")
    is_running = other is not None and other.is_running
    if is_running:
        line.append(f"running, iteration {last_iteration([curve.series]):,}; ")
    line.append_text(Text("no value yet", theme.DIM) if value is None else Text("loss ") + figure_text(value))
    return line.append(" here)" if is_running and value is not None else ")")


def _own_name(training: Training, branches: Branches) -> str:
    """Return what tells this run from others: what clears its gradients at the position, and a rate that was set."""
    mark, rate = training.policy, training.rate
    name = "zero_grad " + (f"{mark.value} since iteration {mark.iteration:,}" if mark else "as written")
    name += f", lr {rate.value} since iteration {rate.iteration:,}" if rate and branches.here else ""
    here = f", {branches.here}" if branches.number else ""
    return f"this run{here}: {name}"


def _about_means(curves: Sequence[Curve], over: int | None) -> list[Text]:
    """Say what the smoothed lines are; which is whose the legend says."""
    if over is None or not curves:
        return []
    line = Text(" ").join(curve.sample for curve in curves)
    return [line.append(f" centred mean over {over:,} iterations", theme.DIM)]


def _about_ghost(training: Training, ghost: OtherRun, width: int) -> list[Text]:
    """Say where the other run leaves this one, which curves on top of each other do not show, and the reservation."""
    clauses = []
    pairs = list(zip(training.losses, _losses(ghost), strict=False))
    found = [part for one, other in pairs if (part := parting(one, other)) is not None and not part[1]]
    if found:
        at = min(found)[0]
        clauses.append(f"the losses are the same up to iteration {at - 1:,} and part there" if at > 1 else _NEVER)
    elif pairs:
        clauses.append("the losses are the same as far as both go")
    return wrapped("; ".join([*clauses, *([ghost.note] if ghost.note else [])]), width, theme.DIM)


def _value_at(series: Series, iteration: int) -> float | None:
    """Return the newest value of another run up to an iteration."""
    known = bisect_right(series.iterations, iteration, 0, series.count)
    return series.values[known - 1] if known else None


def caption(window: IterationRange, curves: Sequence[Curve], plot: Plot) -> list[Text]:
    """Say how the plot differs from the whole run on a linear scale."""
    parts = ["log scale"] if plot.is_log else []
    if plot.last is not None:
        parts.append(f"iterations {window.first:,} to {window.last:,} of {_longest(curves):,}")
    return [Text(", ".join(parts), style=theme.DIM)] if parts else []


def _chosen(training: Training, plot: Plot, width: int) -> list[Text]:
    """Say which iteration is chosen, and what its loss is."""
    if plot.chosen is None:
        return []
    line = Text("┆ chosen: iteration ", style=theme.DIM).append(f"{plot.chosen:,}", theme.TITLE)
    value = _value_at(training.losses[0], plot.chosen) if training.losses else None
    line = line if value is None else line.append(", loss ").append_text(figure_text(value))
    return flowed([line.append("; x opens it in full", theme.DIM)], width)


def _kin_count(options: Options) -> int:
    """Return how many losses of other runs are drawn: of each its first."""
    return sum(any(series.kind == "loss" for series in one.series) for one in options.branches.others)


def _left_out(count: int, width: int) -> list[Text]:
    return wrapped(f"{count} more losses are not plotted", width, theme.DIM) if count else []


def _kept(options: Options) -> list[Text]:
    """Say which checkpoints wait, where any are kept."""
    said = told(options.checkpoints)
    return wrapped(f"checkpoints: {said}", options.width, theme.DIM) if said else []


def _norms(training: Training, width: int) -> list[Text]:
    """Return the norm of each parameter after its last step, as far as there is room."""
    position, parts, at = training.position, list[Text](), 0
    for series in training.series:
        value = series.latest(position) if series.kind == "parameter_norm" else None
        if value is not None:
            at = max(at, series.iterations[series.until(position) - 1])
            parts.append(Text(f"{plain_path(series.name, _NAME_LIMIT)} ", no_wrap=True).append_text(figure_text(value)))
    if not parts:
        return []
    label = "parameter norms" + (f" of iteration {at:,}" if at < training.iteration - 1 else "")
    lines = flowed([Text(label, style=theme.DIM), *parts], width)
    if len(lines) > _MAX_NORMS:
        lines = [*lines[: _MAX_NORMS - 1], cut(Text(f"… of {len(parts)} parameters", style=theme.DIM), width)]
    return lines


# --- where there is nothing to plot -----------------------------------------------------------------------------------


def _without_loss(frame: Frame, width: int) -> list[Text]:
    """Say why there is no loss: none of the whole recording, or none of the backward at the position."""
    lines = []
    if isinstance(frame.detail, BackwardStartDetail):
        odd = [root for root in frame.detail.roots if root.value.numel != 1]
        shapes = ", ".join(f"{root.name or 'a tensor'} {shape_text(root.value.shape)}" for root in odd)
        if odd:
            lines += wrapped(
                f"this backward begins from {shapes}, not a scalar: it has no loss value", width, theme.DIM
            )
    if not frame.training.losses and frame.cut is None:
        lines += wrapped(_nothing(frame), width, theme.DIM)
    if frame.cut is None and not frame.gaps and _never_trains(frame.training):
        sentence = "this script never trains: it made no optimizer step and updated no parameter by hand"
        lines += wrapped(sentence, width, theme.DIM)
    return lines


def _never_trains(training: Training) -> bool:
    """Tell whether it is certain: a run to its end of which every event is recorded, and no update among them."""
    is_whole = training.is_finished and not any(mark.what == "record" for mark in training.marks)
    return is_whole and not training.has_updates


def _nothing(frame: Frame) -> str:
    if frame.training.has_updates or any(buffer.fills for buffer in frame.grads):
        return "no loss to plot: no backward that was recorded so far began from a scalar"
    if frame.training.is_finished:
        return "no backward from a scalar was recorded of this script: there is no loss to plot"
    return "no backward from a scalar has been recorded yet: there is no loss to plot"


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the training as of the position, the losses of its branches, and the checkpoints that wait."""
    more = {"branches": list(map(kin_json, options.branches.others))}
    return training_json(frame.training) | more | {"checkpoints": checkpoints_json(options.checkpoints)}
