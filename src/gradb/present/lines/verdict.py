"""What two trainings come to, compared number by number.

The comparison is exact: a loss that differs in its last bit is another loss. Every clause is computed from the tapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest

from gradb.algebra.figures import number
from gradb.frame.training import Training
from gradb.present.draw.curves import onset
from gradb.present.lines.readings import last_iteration
from gradb.tape.series import Series

_BLOCK = 1024  # points compared at once


@dataclass(frozen=True, slots=True)
class Figures:
    """What the losses of one call site come to."""

    iterations: int
    """The last iteration with a loss; 0 where there is none."""
    first: float | None
    last: float | None
    minimum: float | None
    """The lowest finite loss."""
    minimum_at: int | None
    """Its iteration."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the losses of two runs relate."""

    parts_at: int | None
    """The first iteration whose losses differ, or which only one of them has; None where there is none."""
    text: str
    """One sentence."""


def figures(training: Training) -> Figures:
    """Return what a run comes to; of several losses, the one that began first."""
    series = next((series for series in training.losses if series.count), None)
    if series is None:
        return Figures(0, None, None, None, None)
    values = series.values[: series.count]
    lowest = min((value for value in values if math.isfinite(value)), default=None)
    at = None if lowest is None else series.iterations[values.index(lowest)]
    return Figures(last_iteration(training.losses), values[0], values[-1], lowest, at)


def compared(left: Training, right: Training, labels: tuple[str, str]) -> Comparison:
    """Compare the losses of two runs, call site by call site in the order in which they began."""
    without = [label for label, run in zip(labels, (left, right), strict=True) if not run.losses]
    if without:
        return Comparison(None, f"nothing to compare: {' and '.join(without)} recorded no loss")
    partings = [parting(one, other) for one, other in zip_longest(left.losses, right.losses)]
    at, is_missing = min((parting for parting in partings if parting is not None), default=(None, False))
    if at is None:
        return Comparison(None, f"the losses are identical, bit by bit: {figures(left).iterations:,} iterations")
    if is_missing:
        short = labels[0] if last_iteration(left.losses) < last_iteration(right.losses) else labels[1]
        return Comparison(at, f"the losses are identical as far as both go: {short} has none of iteration {at:,}")
    ends = f"{labels[0]} {_end(left)}, {labels[1]} {_end(right)}"
    if at <= left.losses[0].iterations[0]:
        return Comparison(at, f"the losses differ from the first on{_seeds(left, right)}: {ends}")
    return Comparison(at, f"the losses are identical up to iteration {at - 1:,} and part there: {ends}")


def parting(left: Series | None, right: Series | None) -> tuple[int, bool] | None:
    """Return the first iteration at which two series differ, and whether one of them has no point for it."""
    if left is None or right is None:
        known = left or right
        return (known.iterations[0], True) if known is not None and known.count else None
    both = min(left.count, right.count)
    for first in range(0, both, _BLOCK):
        last = min(first + _BLOCK, both)
        if not _is_block_same(left, right, first, last):
            index = next((at for at in range(first, last) if not _is_point_same(left, right, at)), None)
            if index is not None:
                return min(left.iterations[index], right.iterations[index]), False
    longer = left if left.count > both else right
    return (longer.iterations[both], True) if longer.count > both else None


def _is_block_same(left: Series, right: Series, first: int, last: int) -> bool:
    are_places_same = left.iterations[first:last] == right.iterations[first:last]
    return are_places_same and left.values[first:last].tobytes() == right.values[first:last].tobytes()


def _is_point_same(left: Series, right: Series, at: int) -> bool:
    return left.iterations[at] == right.iterations[at] and is_same(left.values[at], right.values[at])


def is_same(left: float, right: float) -> bool:
    """Tell whether two recorded numbers are the same; two NaN are."""
    return left == right or (math.isnan(left) and math.isnan(right))


def _end(training: Training) -> str:
    """Return ``ends at 2.905``, or where the losses stop being numbers."""
    series = training.losses[0]
    last = series.values[series.count - 1]
    return f"ends at {number(last)}" if math.isfinite(last) else f"is {onset(series)[1]}"


def _seeds(left: Training, right: Training) -> str:
    seeds = (left.seed, right.seed)
    if None in seeds:
        return " (not both were given a seed, so the initialisations may differ)"
    return "" if left.seed == right.seed else f" (the seeds are {left.seed} and {right.seed})"
