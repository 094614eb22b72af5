"""What holds in a training at the position, in words: iteration, losses, norms, rates, policy, depth.

Every reading is the newest one recorded at the position, never one from after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradb.algebra.figures import counted, number
from gradb.frame.training import InterventionMark, Training
from gradb.present.draw import theme
from gradb.present.draw.folding import folded
from gradb.present.draw.numbers import is_odd
from gradb.present.draw.safe import plain
from gradb.tape.series import Series, SeriesKind

_GAP = "   "
_HANG = "  "  # before what is folded
_MAX_SHOWN = 3
_NAME_LIMIT = 40


def status_lines(training: Training, width: int, *, has_legend: bool = False) -> list[Text]:
    """Return where the training stands at the position, and what was changed from outside.

    The loss is not among it where there is a legend that has its value.
    """
    numbers = [_iteration(training), None if has_legend else _loss(training), _norm(training), _rate(training)]
    numbers += [_scale(training), _skipped(training)]
    settings = [_policy(training), None if training.is_blank else _depth(training), _seed(training)]
    return [*flowed([part for part in numbers if part], width), *flowed([part for part in settings if part], width)]


def brief_parts(training: Training, also: str = "", *, has_legend: bool = False) -> list[Text]:
    """Return what holds at the position in few words, where there are few lines: what has to be known first.

    Args:
        training: at the position.
        also: what else has to be known; empty: nothing.
        has_legend: whether a legend has the loss.
    """
    parts = [_iteration(training), None if has_legend else _loss(training)]
    parts += [_brief_mark("zero_grad", training.policy), _brief_mark("lr", training.rate)]
    parts += [_skipped(training), _scale(training)]
    if training.depth is not None:
        parts.append(_reading("recording:", Text("watch only", style=theme.TITLE)))
    parts += [Text(also, style=theme.DIM) if also else None, _norm(training)]
    return [part for part in (*parts, None if training.rate else _rate(training)) if part]


def _brief_mark(what: str, mark: InterventionMark | None) -> Text | None:
    if mark is None:
        return None
    style = theme.WARNING if mark.value == "off" else theme.OK
    line = Text(f"{what} {plain(mark.value, 20)}", style, no_wrap=True)
    return line.append(f" since {mark.iteration:,}", theme.DIM)


def flowed(parts: Sequence[Text], width: int) -> list[Text]:
    """Set parts beside each other, on as many lines as it takes; one wider than a line is folded between words."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + len(_GAP) + part.cell_len <= width:
            lines[-1].append(_GAP).append_text(part)
        else:
            lines += folded(Text(no_wrap=True).append_text(part), width, _HANG)
    return lines


def figure_text(value: float) -> Text:
    """Return a number; a NaN or an infinity stands out."""
    text = number(value)
    return Text(text, style=theme.NONFINITE if is_odd(text) else theme.TITLE, no_wrap=True)


def _reading(label: str, value: Text, remark: str = "") -> Text:
    line = Text(no_wrap=True).append(f"{label} ", theme.DIM).append_text(value)
    return line.append(f" {remark}", theme.DIM) if remark else line


def last_iteration(series: Sequence[Series]) -> int:
    """Return the last iteration that has a point, 0 where there is none."""
    return max((one.iterations[one.count - 1] for one in series if one.count), default=0)


def _iteration(training: Training) -> Text:
    last = training.iterations
    if training.is_over:
        return _reading("after iteration", Text(f"{last:,}", style=theme.TITLE), f"of {last:,}")
    of = f"of {max(last, training.iteration):,}" + ("" if training.is_finished else " so far")
    return _reading("iteration", Text(f"{training.iteration:,}", style=theme.TITLE), of)


def _loss(training: Training) -> Text | None:
    """Return the newest loss; of several, the legend has the values."""
    if len(training.losses) != 1:
        return None
    (series,) = training.losses
    value = series.latest(training.position)
    label = plain(series.name if "loss" in series.name else f"loss {series.name}", _NAME_LIMIT)
    if value is None:
        return _reading(label, Text("not computed yet", style=theme.DIM))
    return _reading(label, figure_text(value), _of_iteration(series, training))


def _of_iteration(series: Series, training: Training) -> str:
    at = series.iterations[series.until(training.position) - 1]
    is_newest = at == training.iteration or (training.is_finished and at == training.iterations)
    return "" if is_newest else f"(of iteration {at:,})"


def _known(training: Training, kind: SeriesKind) -> list[tuple[Series, float]]:
    found = [(series, series.latest(training.position)) for series in training.series if series.kind == kind]
    return [(series, value) for series, value in found if value is not None]


def _several(label: str, found: Sequence[tuple[Series, float | None]]) -> Text:
    line = Text(no_wrap=True).append(f"{label} ", theme.DIM)
    for index, (series, value) in enumerate(found[:_MAX_SHOWN]):
        line.append(", " if index else "")
        line.append_text(Text("—", style=theme.DIM) if value is None else figure_text(value))
        if len(found) > 1:
            line.append(f" ({plain(series.name, _NAME_LIMIT)})", theme.DIM)
    return line.append(", …", theme.DIM) if len(found) > _MAX_SHOWN else line


def _norm(training: Training) -> Text | None:
    """Return the norm of the gradients that each one's last step used; a dash where it found none."""
    rates = [series for series, _ in _known(training, "learning_rate")]
    known = _known(training, "grad_norm")
    found = [(one, None if _has_newer(rates, one, training.position) else value) for one, value in known]
    if rates and not found:
        return _reading("gradient norm", Text("—", style=theme.DIM))
    return _several("gradient norm", found) if found else None


def _has_newer(rates: list[Series], norms: Series, position: int) -> bool:
    """Tell whether an optimizer has made a step that has a learning rate and no norm of gradients."""
    events = [
        rate.events[rate.until(position) - 1]
        for rate in rates
        if rate.name == norms.name or rate.name.startswith(f"{norms.name} group ")
    ]
    return max(events, default=0) > norms.events[norms.until(position) - 1]


def _rate(training: Training) -> Text | None:
    found = _known(training, "learning_rate")
    if len({value for _, value in found}) == 1:
        del found[1:]  # groups that agree are one rate
    line = _several("learning rate", found) if found else None
    mark = training.rate
    if mark is None:
        return line
    value = plain(mark.value, 20)
    if line is None:
        return _reading("learning rate", Text(value, style=theme.TITLE), "from the first step on (set by you)")
    is_used = any(series.until(training.position) > series.until(mark.event) for series, _ in found)
    words = f"set by you at iteration {mark.iteration:,}"
    return line.append(f" ({words})" if is_used else f" ({value} from the next step: {words})", theme.DIM)


def _scale(training: Training) -> Text | None:
    found = _known(training, "loss_scale")
    return _several("loss scale", found) if found else None


def _skipped(training: Training) -> Text | None:
    count = int(max((value for _, value in _known(training, "skipped")), default=0))
    return Text(f"{counted(count, 'step')} skipped by GradScaler", style=theme.WARNING) if count else None


def _policy(training: Training) -> Text:
    mark, count = training.policy, training.touched
    if mark is None:
        return _reading("zero_grad:", Text("as written"))
    since = f"since iteration {mark.iteration:,}"
    style = theme.WARNING if mark.value == "off" else theme.OK
    line = Text(no_wrap=True).append(f"zero_grad {plain(mark.value, 20)}", style)
    missed = f", {counted(training.missed, 'clear')} could not be held back" if training.missed else ""
    done = counted(count, "call") + " suppressed" if mark.value == "off" else counted(count, "clearing") + " added"
    nothing = "nothing to suppress" if mark.value == "off" else "nothing to add"
    if missed and not count:
        return line.append(f" {since}{missed}")
    return line.append(f": {done} {since}{missed}" if count else f" {since}: {nothing} so far")


def _depth(training: Training) -> Text:
    mark = training.depth
    if mark is None:
        return _reading("recording:", Text("full"))
    words = f"since iteration {mark.iteration:,}: no ops in between"
    why = f"{words} ({plain(mark.reason, 80)})" if mark.reason else words
    return _reading("recording:", Text("watch only", style=theme.TITLE), why)


def _seed(training: Training) -> Text | None:
    return None if training.seed is None else _reading("seed", Text(str(training.seed)))
