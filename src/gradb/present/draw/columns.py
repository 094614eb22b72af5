"""Points of a series gathered into the columns of a plot, so that no spike is lost and a draw costs what it shows.

A column keeps the first, the lowest, the highest and the last of its points: drawn as a line in that order they give
the picture that all points would have given.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from gradb.tape.series import Series


@dataclass(frozen=True, slots=True)
class IterationRange:
    """The iterations shown, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Number of iterations, at least 1."""
        return max(self.last - self.first + 1, 1)

    def column(self, iteration: int, count: int) -> int:
        """Return the column, of ``count``, in which an iteration of the window is drawn."""
        if self.length == 1 or count < 2:
            return count // 2
        gaps = self.length - 1
        return (2 * (iteration - self.first) * (count - 1) + gaps) // (2 * gaps)

    def begin(self, column: int, count: int) -> int:
        """Return the first iteration that is drawn in a column or to the right of it."""
        if self.length == 1 or count < 2:
            return self.first if column <= count // 2 else self.last + 1
        return self.first - (-(2 * column - 1) * (self.length - 1) // (2 * (count - 1)))


@dataclass(frozen=True, slots=True)
class Column:
    """The points of one series in one column."""

    at: int
    """The column, from 0."""
    shape: tuple[float, float, float, float] | None
    """First, lowest, highest and last of the values that can be drawn; None where there is none."""
    is_apart: bool
    """True when what cannot be drawn lies between this column and the one before."""
    nonfinite: int
    """How many values are NaN or infinite."""
    nonpositive: int
    """How many values have no logarithm, where one is wanted."""


def gather(series: Series, window: IterationRange, count: int, *, is_log: bool = False) -> list[Column]:
    """Return the columns, of ``count``, that have points of the window, from left to right."""
    result: list[Column] = []
    at = bisect_left(series.iterations, window.first, 0, series.count)
    stop = bisect_right(series.iterations, window.last, at, series.count)
    is_broken = False
    while at < stop:
        column = min(max(window.column(series.iterations[at], count), 0), count - 1)
        begins_next = window.begin(column + 1, count)
        end = max(bisect_left(series.iterations, begins_next, at, stop), at + 1)
        made, is_broken = _column(column, series.values[at:end], is_log, is_broken)
        result.append(made)
        at = end
    return result


def _column(at: int, values: array[float], is_log: bool, is_broken: bool) -> tuple[Column, bool]:
    """Return a column, and whether it ends with what cannot be drawn."""
    low, high = min(values), max(values)
    if math.isfinite(sum(values)) and not (is_log and low <= 0):
        return Column(at, (values[0], low, high, values[-1]), is_broken, 0, 0), False
    finite = [value for value in values if math.isfinite(value)]
    shown = [value for value in finite if value > 0] if is_log else finite
    shape = (shown[0], min(shown), max(shown), shown[-1]) if shown else None
    is_apart = is_broken or not _is_drawn(values[0], is_log)
    column = Column(at, shape, is_apart, len(values) - len(finite), len(finite) - len(shown))
    return column, not _is_drawn(values[-1], is_log)


def _is_drawn(value: float, is_log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not is_log)
