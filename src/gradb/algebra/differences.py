"""A derivative by finite differences, and what may be said of an engine's gradient beside it.

Pure arithmetic: from the values of a function at x and at two steps to either side of it, to a verdict. It knows
nothing of scripts, runs or tapes.

Central differences D(h) and D(h/2) are combined by Richardson's extrapolation, (4 D(h/2) - D(h)) / 3. The error
estimate is the sum of what the two differ by, of what the slopes to the left and to the right differ by more than a
smooth function's would (a kink near x), and of what rounding can do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Outcome = Literal["agrees", "differs", "unclear", "kink", "jump", "nonfinite"]

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""The gap between 1 and the next number of each dtype."""
_SMALLEST = {2.0**-52: 2.0**-1074, 2.0**-23: 2.0**-149, 2.0**-10: 2.0**-24, 2.0**-7: 2.0**-133}
"""By that gap, the smallest number above 0: below it values are lost whatever their size."""
_ROUNDINGS = 4  # a script rounds more than once on its way to the loss
_VAGUE = 0.1  # an error above this part of the derivative leaves nothing to compare


@dataclass(frozen=True, slots=True)
class Sample:
    """The function at one place."""

    x: float
    """The element as it was in the run, rounded to its dtype."""
    f: float
    """The root."""


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples at one step to the left and to the right."""

    step: float
    minus: Sample
    plus: Sample

    @property
    def central(self) -> float:
        """(f(x+h) - f(x-h)) / 2h, by the steps that were really made."""
        return (self.plus.f - self.minus.f) / (self.plus.x - self.minus.x)

    def left(self, centre: Sample) -> float:
        """The slope from x-h to x."""
        return (centre.f - self.minus.f) / (centre.x - self.minus.x)

    def right(self, centre: Sample) -> float:
        """The slope from x to x+h."""
        return (self.plus.f - centre.f) / (self.plus.x - centre.x)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a numerical check found."""

    outcome: Outcome
    engine: float
    """The engine's derivative."""
    estimate: float
    """The derivative by finite differences."""
    error: float
    """How far the estimate may be off."""
    rounding: float
    """What of the error is due to rounding."""
    left: float
    """The derivative from the left."""
    right: float
    """The derivative from the right."""
    is_kinked: bool = False
    """True where left and right differ however small the step: then ``estimate`` is only their mean."""

    @property
    def difference(self) -> float:
        """The engine's minus the estimate."""
        return self.engine - self.estimate


@dataclass(frozen=True, slots=True)
class Result:
    """What a numerical check of one element found, and from what."""

    label: str
    """The element: ``layer1.weight[0, 3]``."""
    root: str
    """What the derivative is of: ``loss``, or ``sum(out * gradient)``."""
    backward: int
    """The how many-th backward of the run, from 1."""
    where: str
    """The same in words: ``backward 1 (train.py:12, iteration 1)``."""
    dtypes: tuple[str, ...]
    """Of the leaf and of the roots: the coarsest decides how much rounding there is."""
    centre: Sample
    """The element and the root as the script has them."""
    rows: tuple[Samples, ...]
    """Every step that was tried, the widest of each round first."""
    verdict: Verdict
    runs: int
    """How many runs were made."""


def epsilon(dtypes: Sequence[str]) -> float:
    """Return the coarsest rounding among some dtypes; a complex dtype's is that of its parts."""
    parts = {"complex128": "float64", "complex64": "float32", "complex32": "float16"}
    return max((EPSILON.get(parts.get(dtype, dtype), EPSILON["float32"]) for dtype in dtypes), default=2.0**-52)


def first_step(x: float, eps: float) -> float:
    """Return a power of two near the fourth root of the rounding, in proportion to x: it adds to x without loss."""
    scale = max(abs(x), 0.1) if math.isfinite(x) else 0.1
    return float(2.0 ** round(math.log2(scale * eps**0.25)))


def judge(centre: Sample, wide: Samples, narrow: Samples, engine: float, eps: float) -> Verdict:
    """Return the verdict from the samples at h (``wide``) and h/2 (``narrow``).

    Args:
        centre: the function at x.
        wide: the samples at h.
        narrow: the samples at h/2.
        engine: the engine's derivative.
        eps: relative rounding of one number.

    Raises:
        ValueError: a step was lost in rounding, so that there is no difference to divide by.
    """
    places = [wide.minus.x, narrow.minus.x, centre.x, narrow.plus.x, wide.plus.x]
    if any(not a < b for a, b in pairwise(places)):
        raise ValueError("the steps are too small for the element's dtype: they are lost in rounding")
    values = [row.f for row in (centre, wide.minus, wide.plus, narrow.minus, narrow.plus)]
    if not all(math.isfinite(value) for value in (*values, engine)):
        return Verdict("nonfinite", engine, math.nan, math.nan, math.nan, math.nan, math.nan)
    estimate = (4 * narrow.central - wide.central) / 3
    largest = max(abs(value) for value in values)
    rounding = 3 * _ROUNDINGS * (eps * largest + _SMALLEST.get(eps, 0.0)) / wide.step
    gap, before = (row.right(centre) - row.left(centre) for row in (narrow, wide))
    error = 4 / 3 * abs(narrow.central - wide.central) + abs(gap - before / 2) + rounding
    left, right = 2 * narrow.left(centre) - wide.left(centre), 2 * narrow.right(centre) - wide.right(centre)
    outcome = _smooth(engine, estimate, error, eps, _negligible(values[0], centre.x, eps), values)
    slopes = max(abs(narrow.left(centre)), abs(narrow.right(centre)))
    is_kinked = abs(gap) > max(0.75 * abs(before), 8 * rounding, 1e-3 * slopes)
    if is_kinked:
        outcome = "jump" if abs(gap) > 1.5 * abs(before) else _kinked(engine, left, right, rounding)
    return Verdict(outcome, engine, estimate, error, rounding, left, right, is_kinked)


def _negligible(f: float, x: float, eps: float) -> float:
    """Return a derivative that is nothing beside the function itself."""
    return float(eps ** (2 / 3)) * abs(f) / max(abs(x), 1.0)


def _smooth(engine: float, estimate: float, error: float, eps: float, nothing: float, values: list[float]) -> Outcome:
    if abs(engine - estimate) > error + 16 * eps * abs(engine):
        return "differs"
    if error <= _VAGUE * max(abs(engine), abs(estimate)) or error <= nothing:
        return "agrees"
    is_flat = engine == 0 and all(value == values[0] for value in values)
    return "agrees" if is_flat else "unclear"


def _kinked(engine: float, left: float, right: float, rounding: float) -> Outcome:
    low, high = min(left, right), max(left, right)
    slack = 8 * rounding + 1e-3 * max(abs(low), abs(high))
    return "kink" if low - slack <= engine <= high + slack else "differs"


def next_step(verdict: Verdict, step: float) -> float | None:
    """Return a step with which it is worth looking again, or None where the verdict stands."""
    match verdict.outcome:
        case "kink" | "jump":
            return step / 16  # it may lie beside x, and not at x
        case "differs" if abs(verdict.difference) < 10 * verdict.error and verdict.rounding < 0.25 * verdict.error:
            return step / 16
        case "unclear" if verdict.rounding < 0.25 * verdict.error:
            return step / 16
        case "unclear":
            return step * 8
    return None


def better(one: Verdict, other: Verdict) -> Verdict:
    """Return which of two verdicts from different steps says more."""
    clear = {"agrees": 0, "differs": 0, "kink": 1, "jump": 1, "unclear": 2, "nonfinite": 2}
    if clear[one.outcome] != clear[other.outcome]:
        return one if clear[one.outcome] < clear[other.outcome] else other
    return one if one.error <= other.error else other
