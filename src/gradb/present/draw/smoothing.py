"""A smoothed line through a noisy series: at each of some iterations the mean of what lies around it.

The mean is a centred one, of the finite values of so many iterations, half of them before; near the ends there are
fewer. It is computed for no more iterations than a plot has columns, each from the values themselves.
"""

from __future__ import annotations

import contextlib
import math
from array import array
from bisect import bisect_left, bisect_right

from gradb.present.draw.columns import IterationRange
from gradb.tape.series import Series

_POINTS = 256
_MOST_KEPT = 6


def smoothed(series: Series, over: int, window: IterationRange) -> Series:
    """Return the centred mean over ``over`` iterations, at up to 256 of the series' own points in a window.

    Where a value is NaN or infinite, so is the mean: the line is broken there. The same series of the same arguments is
    the same object, for a while.
    """
    key = (id(series), series.count, over, window)
    if key not in _kept:
        while len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = series, _smoothed(series, over, window)  # the series is held, so that no other has its id
    return _kept[key][1]


def _smoothed(series: Series, over: int, window: IterationRange) -> Series:
    first = bisect_left(series.iterations, window.first, 0, series.count)
    stop = bisect_right(series.iterations, window.last, first, series.count)
    count = min(stop - first, _POINTS)
    places = [first + at * (stop - first - 1) // max(count - 1, 1) for at in range(count)]
    values = array("d", (mean(series, at, over) for at in places))
    iterations = array("q", (series.iterations[at] for at in places))
    events = array("q", (series.events[at] for at in places))
    return Series(series.kind, series.name, series.file, series.line, count, events, iterations, values)


def mean(series: Series, at: int, over: int) -> float:
    """Return the mean of the finite values of ``over`` iterations around a point, itself among them."""
    here = series.iterations[at]
    if not math.isfinite(series.values[at]):
        return series.values[at]
    begin = bisect_left(series.iterations, here - over // 2, 0, series.count)
    end = bisect_right(series.iterations, here + (over - 1) // 2, begin, series.count)
    values = series.values[begin:end]
    with contextlib.suppress(OverflowError, ValueError):  # the sum of large ones is no number, nor of both infinities
        if math.isfinite(total := math.fsum(values)):
            return total / len(values)
    found = [value for value in values if math.isfinite(value)]
    scale = max(max(map(abs, found)) / 1e308 * len(found), 1.0)
    return math.fsum(value / scale for value in found) / len(found) * scale


_kept: dict[tuple[int, int, int, IterationRange], tuple[Series, Series]] = {}
