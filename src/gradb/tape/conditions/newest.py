"""The newest points of series: what a condition has to know of everything before an event."""

from __future__ import annotations

from typing import Literal, Protocol

SeriesName = Literal["loss", "grad_norm"]
"""The kinds of series that a condition can name."""
SERIES: tuple[SeriesName, ...] = ("loss", "grad_norm")


class Points(Protocol):
    """What the series have come to at an event.

    Of several series of a kind the newest point counts, and of points of one event that of the series that began first.
    """

    def latest(self, kind: SeriesName, seq: int) -> float | None:
        """Return the newest point of a kind at an event; None before the first."""
        ...

    def begins(self, kind: SeriesName, seq: int) -> bool:
        """Tell whether there is a point of a kind that holds from this very event on."""
        ...


class Newest:
    """The points of a run as they are told: at the newest event, and at no other."""

    def __init__(self) -> None:
        self._known: dict[SeriesName, tuple[int, int, float]] = {}
        self.levels: list[float | None] = [None for _ in SERIES]
        """What ``latest`` returns of each of ``SERIES``."""
        self.begun: list[int] = [0 for _ in SERIES]
        """The event from which on that holds."""

    def add(self, kind: SeriesName, series: int, event: int, value: float) -> None:
        """Take a point of a series that holds from an event on."""
        known = self._known.get(kind)
        if known is None or (event, -series) >= (known[0], -known[1]):
            self._known[kind] = event, series, float(value)
            at = SERIES.index(kind)
            self.levels[at], self.begun[at] = float(value), event

    def latest(self, kind: SeriesName, seq: int) -> float | None:
        """See ``Points``."""
        known = self._known.get(kind)
        return None if known is None else known[2]

    def begins(self, kind: SeriesName, seq: int) -> bool:
        """See ``Points``."""
        known = self._known.get(kind)
        return known is not None and known[0] == seq
