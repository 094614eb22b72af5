"""Writes the points of series: losses, norms, rates and counts.

It knows how a series is told apart, not what it means.
"""

from __future__ import annotations

from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source.places import NOWHERE, PlaceRow


class SeriesLog:
    """The series of one run, each begun with its first point."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._ids: dict[tuple[str, str, int | None, int | None], int] = {}
        self.newest_loss: float | None = None

    def point(self, kind: str, name: str, value: float, event: int, place: PlaceRow = NOWHERE.row) -> None:
        """Add a point that holds from position ``event`` on."""
        self._recorder.writer.pen.point(id_ := self.id(kind, name, place), event, self._recorder.iteration, value)
        if kind == "loss":
            self.newest_loss = value
            self._recorder.gate.point("loss", id_, event, value)

    def id(self, kind: str, name: str, place: PlaceRow = NOWHERE.row) -> int:
        """Return the id of a series, which begins when it is asked for first."""
        key = (kind, name, place[0], place[1])
        id_ = self._ids.get(key)
        if id_ is None:
            id_ = self._ids[key] = self._recorder.writer.series(kind, name, place[0], place[1])
        return id_
