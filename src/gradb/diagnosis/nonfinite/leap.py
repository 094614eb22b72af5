"""A step that moved parameters by orders of magnitude, shortly before a birth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from gradb.algebra.figures import number
from gradb.diagnosis.nonfinite.case import extremes
from gradb.frame.origins import Origins
from gradb.tape.kinds.step import StepDetail
from gradb.tape.values import TensorValue

_TIMES = 1e3
"""How many times as large, and how large, a parameter must be behind a step for this to be told."""
_LARGE = 1e3
_STEPS = 8
"""How many steps before a birth are looked at."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """A parameter around a step."""

    index: int
    """Its place among the parameters of the step."""
    before: float
    """Its largest absolute number; infinities and NaN do not count."""
    after: float


def leap(origins: Origins, until: int, read: frozenset[int]) -> str:
    """Return which of the last steps before an event made parameters so large at once; empty where none did.

    Args:
        origins: of the tape.
        until: the event.
        read: the tensors that the event reads; of several parameters one of these is told of.
    """
    for step in _steps(origins, until):
        detail = origins.detail(step)
        if isinstance(detail, StepDetail) and (moved := list(_moved(detail))):
            return _told(origins, step, detail, moved, read)
    return ""


def _steps(origins: Origins, until: int) -> Iterator[int]:
    """Yield the last steps before an event, the newest first."""
    step = origins.latest("step", until - 1)
    for _ in range(_STEPS):
        if step is None:
            return
        yield step
        step = origins.latest("step", step - 1)


def _moved(step: StepDetail) -> Iterator[_Moved]:
    """Yield the parameters of a step that are far larger behind it; what was only watched has no values."""
    for index, (before, parameter) in enumerate(zip(step.before, step.parameters, strict=False)):
        was, made = _largest(before), _largest(parameter.value)
        if was is not None and made is not None and made >= max(_LARGE, _TIMES * was):
            yield _Moved(index, was, made)


def _largest(value: TensorValue | None) -> float | None:
    bounds = extremes(value) if value is not None else None
    return None if bounds is None else max(abs(bounds[0]), abs(bounds[1]))


def _told(origins: Origins, seq: int, step: StepDetail, moved: list[_Moved], read: frozenset[int]) -> str:
    one = max(moved, key=lambda each: (step.parameters[each.index].id in read, each.after))
    parameter, event = step.parameters[one.index], origins.event(seq)
    name = origins.label(parameter.id, seq) or parameter.name or "a parameter"
    was, made = (number(size, parameter.value.dtype) for size in (one.before, one.after))
    place = [] if event.file is None else [f"{PurePath(event.file).name}:{event.line}"]
    rate = step.rate(one.index)
    where = ", ".join(place if rate is None else [*place, f"learning rate {number(rate)}"])
    those = f", one of {len(moved):,} parameters that grew a thousandfold or more in it" if len(moved) > 1 else ""
    return (
        f"the {step.optimizer} step of iteration {event.iteration:,}{where and f' ({where})'} took the largest number"
        f" of {name} from {was} to {made}{those}"
    )
