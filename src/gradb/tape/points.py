"""Points of series that wait to be written: a chunk of packed numbers each time. Owned by the ``TapeWriter``."""

from __future__ import annotations

from array import array
from typing import Any


class Points:
    """The points of all series of one tape."""

    def __init__(self) -> None:
        self._series: list[tuple[array[int], array[int], array[float]]] = []
        self._touched: set[int] = set()

    @property
    def count(self) -> int:
        """How many series there are."""
        return len(self._series)

    def begin(self) -> int:
        """Begin a series and return its id."""
        self._series.append((array("q"), array("q"), array("d")))
        return len(self._series)

    def add(self, series: int, event: int, iteration: int, value: float) -> None:
        """Append a point to a series."""
        events, iterations, numbers = self._series[series - 1]
        events.append(event)
        iterations.append(iteration)
        numbers.append(value)
        self._touched.add(series)

    def __bool__(self) -> bool:
        """Tell whether any point waits."""
        return bool(self._touched)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return a chunk of each series of which points wait: its id, their number, and these, packed."""
        waiting = [(series, self._series[series - 1]) for series in sorted(self._touched)]
        return [(series, len(points[0]), *(numbers.tobytes() for numbers in points)) for series, points in waiting]

    def clear(self) -> None:
        """Let go of what waits."""
        for series in self._touched:
            for numbers in self._series[series - 1]:
                del numbers[:]
        self._touched.clear()
