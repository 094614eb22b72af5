"""A long road folded: stretches through ops or nodes of the same kind become one line each."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby

from gradb.diagnosis.nonfinite.explanation import RoadStep
from gradb.diagnosis.nonfinite.lasting import Lasting

_SHORT = 14  # steps of a road that is not folded
_ENDS = 2  # steps kept at either end of a stretch
_MOST = 60  # lines of a folded road
_WORDS = {"op": "ops", "node": "backward nodes", "step": "optimizer steps", "accumulate": "accumulations"}


@dataclass(frozen=True, slots=True)
class Fold:
    """Some steps that follow each other, in one line."""

    first: int
    """Event of the first of them."""
    last: int
    """Event of the last."""
    count: int
    text: str
    """``through 34 ops of h.4 to h.11``."""


def folded(road: tuple[RoadStep, ...], kept: AbstractSet[int] = frozenset()) -> tuple[RoadStep | Fold, ...]:
    """Return the lines that a road is shown in; the events ``kept`` are in no fold."""
    rows: list[RoadStep | Fold] = []
    for row in _folded(road, kept):
        rows.append(row)
        if isinstance(row, RoadStep) and row.lasting is not None:
            rows.append(_lasting(row, row.lasting))
    return tuple(rows)


def _lasting(step: RoadStep, passed: Lasting) -> Fold:
    what = _WORDS.get(step.kind, "steps")
    span = (
        "" if passed.iterations[0] == passed.iterations[1] else ", iterations {:,} to {:,}".format(*passed.iterations)
    )
    return Fold(passed.first, passed.last, passed.count, f"it stays so through {passed.count:,} {what}{span}")


def _folded(road: tuple[RoadStep, ...], kept: AbstractSet[int]) -> tuple[RoadStep | Fold, ...]:
    if len(road) <= _SHORT:
        return road
    rows: list[RoadStep | Fold] = []
    for _, group in groupby(road, key=lambda step: step.event if step.event in kept or step.lasting else step.kind):
        steps = list(group)
        if len(steps) <= 2 * _ENDS + 1:
            rows += steps
        else:
            rows += [*steps[:_ENDS], _fold(steps[_ENDS:-_ENDS]), *steps[-_ENDS:]]
    if len(rows) <= _MOST:
        return tuple(rows)
    half = _MOST // 2
    return (*rows[:half], _fold(_steps(road, rows[half], rows[-half])), *rows[-half:])


def _steps(road: tuple[RoadStep, ...], first: RoadStep | Fold, after: RoadStep | Fold) -> list[RoadStep]:
    """Return the steps from one row up to, and without, another."""
    begin, end = (row.first if isinstance(row, Fold) else row.event for row in (first, after))
    return [step for step in road if begin <= step.event < end]


def _fold(steps: list[RoadStep]) -> Fold:
    kinds = {step.kind for step in steps}
    what = _WORDS.get(steps[0].kind, "steps") if len(kinds) == 1 else "steps"
    scopes = list(dict.fromkeys(step.scope for step in steps if step.scope))
    of = (
        ""
        if not scopes
        else f" of {scopes[0]}"
        if len(scopes) == 1
        else f" of {_outer(scopes[0])} to {_outer(scopes[-1])}"
    )
    first, last = steps[0].iteration, steps[-1].iteration
    span = "" if first == last else f", iterations {first:,} to {last:,}"
    return Fold(steps[0].event, steps[-1].event, len(steps), f"through {len(steps):,} {what}{of}{span}")


def _outer(scope: str) -> str:
    """Return a module's path up to its last number: ``h.4`` of ``h.4.mlp.act``."""
    parts = scope.split(".")
    numbers = [index for index, part in enumerate(parts) if part.isdecimal()]
    return ".".join(parts[: numbers[0] + 1]) if numbers else scope
