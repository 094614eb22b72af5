"""What led to a birth over the iterations, as far as the series and the buffers show it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice, pairwise

from gradb.algebra.figures import number
from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.case import extremes
from gradb.diagnosis.nonfinite.explanation import Born
from gradb.diagnosis.nonfinite.leap import leap
from gradb.diagnosis.nonfinite.reading import Reading
from gradb.frame.origins import Origins
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.series import Series

_GROWTH = 1e3
"""How many times as large a series must have become for its growth to be told."""
_LOOK_BACK = 100_000
_FEW = 3
_SHARE = 0.7
"""The largest share of the growth that one iteration may have."""
_LEAVES = 512
"""Parameters whose gradients are looked at; where there are more, nothing is said to have been cleared."""


def prelude(origins: Origins, born: Born, hops: list[Reading]) -> tuple[str, ...]:
    """Return what is to be told of the iterations before a birth, a clause each; empty where nothing is."""
    if born.kind != "birth":
        return ()
    grown = [_growth(one, born) for one in origins.series if one.kind in {"loss", "grad_norm"}]
    told = [text for text in grown if text]
    uncleared = _uncleared(origins, born, hops)
    scale = _scale(origins, born)
    read = frozenset(one.tensor for one in traffic.read(origins, born.event) if one.tensor)
    leapt = leap(origins, born.event, read)
    if not told and not uncleared:
        return tuple(text for text in (leapt, scale) if text)
    is_known = len(_leaves(origins, born, hops)) < _LEAVES and not _is_unseen(origins, born)
    rate = _rate(origins, born) if told and not uncleared and is_known else ""
    return tuple(text for text in (*told, uncleared, rate, leapt, scale) if text)


def _growth(series: Series, born: Born) -> str:
    """Return how a series grew up to the birth, from its smallest value to its last finite one."""
    known = series.until(born.event)
    first = max(0, known - _LOOK_BACK)
    points = [(abs(series.values[at]), at) for at in range(first, known) if math.isfinite(series.values[at])]
    if len(points) < 3:
        return ""
    last, end = points[-1]
    positive = [(value, -at) for value, at in points if value > 0]
    low, begin = min(positive, default=(0.0, 0))
    span = [value for value, at in points if at >= -begin]
    if low <= 0 or last / low < _GROWTH or last < max(span) / _GROWTH or not _is_gradual(span):
        return ""
    what = "the gradient norm" if series.kind == "grad_norm" else f"the loss{_named(series)}"
    iterations = f"iteration {series.iterations[-begin]} to {series.iterations[end]}"
    return f"{what} grew from {number(low, 'float32')} to {number(last, 'float32')} ({iterations})"


def _named(series: Series) -> str:
    return "" if series.name in {"", "loss"} else f" {series.name}"


def _is_gradual(values: list[float]) -> bool:
    """Tell whether numbers grew over several iterations, and not by one jump."""
    jumps = [math.log(after / before) for before, after in pairwise(values) if before > 0 and after > 0]
    return len(values) > _FEW and max(jumps, default=0.0) <= _SHARE * math.log(values[-1] / values[0])


def _uncleared(origins: Origins, born: Born, hops: list[Reading]) -> str:
    """Return that a ``.grad`` that a step used still holds gradients of earlier iterations."""
    for tensor, name in _leaves(origins, born, hops).items():
        found = origins.buffer(tensor, born.event + 1)
        if found is None:
            continue
        _, fills, since = found
        if fills > 1 and 0 < since < born.iteration - 1:
            never = "was never cleared" if not origins.was_cleared(tensor, born.event) else "has not been cleared since"
            return (
                f"{name}.grad {never}: it is the sum of {fills:,} gradients, from iteration {since} on, so each step"
                f" moves by all of them (zero_grad is {_missing(origins, born)})"
            )
        if fills < 0 and _is_left(origins, tensor, found[0]):
            return (
                f"{name}.grad was not cleared before the backward of iteration"
                f" {origins.event(found[0]).iteration:,}: it still held a gradient of earlier iterations (zero_grad is"
                f" {_missing(origins, born)})"
            )
    return ""


def _is_left(origins: Origins, tensor: int, filled: int) -> bool:
    """Tell whether a ``.grad`` was not empty when a backward added to it, from before the stretch that is recorded."""
    before = origins.buffer(tensor, filled)
    detail = origins.detail(filled)
    if before is None or not isinstance(detail, AccumulateDetail) or detail.before is None:
        return False
    bounds = extremes(detail.before)
    return origins.event(before[0]).kind == "depth" and bounds is not None and bounds != (0.0, 0.0)


def _is_unseen(origins: Origins, born: Born) -> bool:
    """Tell whether a part of the run before a birth was only watched, so that it is not known what was cleared."""
    return origins.watched_since(0, born.event) is not None


def _missing(origins: Origins, born: Born) -> str:
    """Tell whether the script does not clear its gradients, or was kept from it."""
    held = any(one.kind == "suppressed" and one.until(born.event) for one in origins.series)
    return "switched off" if held else "missing"


def _leaves(origins: Origins, born: Born, hops: list[Reading]) -> dict[int, str]:
    """Return the parameters whose gradients may have driven the run there: those on the road, then the steps'."""
    found = {hop.tensor: hop.name.removesuffix(".grad") for hop in hops if hop.source == "buffer" and hop.tensor}
    stepped = (one for step in _steps(origins, born) for one in traffic.made(origins, step))
    for one in islice(stepped, _LEAVES):
        found.setdefault(one.tensor, one.name)
    return found


def _steps(origins: Origins, born: Born) -> Iterator[int]:
    """Yield the steps of the iteration of a birth and of the one before, the newest first: each optimizer has one."""
    step = origins.latest("step", born.event)
    while step is not None and origins.event(step).iteration >= born.iteration - 1:
        yield step
        step = origins.latest("step", step - 1)


def _rate(origins: Origins, born: Born) -> str:
    """Return the learning rate under which it grew while gradients were cleared."""
    rates = [one.latest(born.event) for one in origins.series if one.kind == "learning_rate"]
    known = sorted({rate for rate in rates if rate is not None})
    if not known:
        return ""
    shown = " and ".join(number(rate) for rate in known[:3])
    return f"no gradient was left over from an iteration before, and the learning rate was {shown}"


def _scale(origins: Origins, born: Born) -> str:
    """Return the loss scale that a backward was run under."""
    scales = [one.latest(born.event) for one in origins.series if one.kind == "loss_scale"]
    known = [scale for scale in scales if scale is not None]
    if not known or born.phase != "backward":
        return ""
    return f"the loss was multiplied by a GradScaler's scale of {number(known[-1])}"
