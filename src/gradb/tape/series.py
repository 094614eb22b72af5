"""Series of a run: losses, gradient norms, parameter norms and the like, each a growing list of points.

Points are kept in chunks of packed numbers and read once each: a reader that looks again at a growing tape reads only
what is new. Nothing here knows what is drawn.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from gradb.tape.database import Database, TapeError
from gradb.tape.renumbering import Renumbering
from gradb.tape.sums import checksum

SeriesKind = Literal[
    "loss",  # the value a backward began from, one series a call site
    "grad_norm",  # 2-norm of all gradients that an optimizer (or an update by hand) found
    "parameter_norm",  # 2-norm of one parameter after a step
    "learning_rate",  # the rate that a step used, one series a parameter group
    "loss_scale",  # what a GradScaler multiplied a loss by
    "skipped",  # steps of an optimizer that GradScaler skipped, counted
    "suppressed",  # calls that the policy `off` made do nothing, counted since it came into force
    "missed",  # clears that the policy `off` could not hold back, counted since it came into force
    "inserted",  # clearings that the policy `on` added, counted since it came into force
]
MAX_SERIES = 10_000


@dataclass(frozen=True, slots=True)
class Series:
    """One series as far as it was recorded; later points do not show in it."""

    kind: SeriesKind
    name: str
    """Loss: the variable; norms: the parameter, or the optimizer; learning rate: optimizer and group.

    An optimizer is called by its class, one of several by its variable where that is known.
    """
    file: str | None
    line: int | None
    """Where the backward call of a loss stands."""
    count: int
    """Number of points."""
    events: array[int] = field(repr=False)
    """Position from which each point holds, never falling. Only the first ``count`` are the series'."""
    iterations: array[int] = field(repr=False)
    values: array[float] = field(repr=False)
    first_nonfinite: int | None = None
    """Index of the first point that is a NaN or an infinity."""

    @property
    def label(self) -> str:
        """What people call it: ``loss:42``, ``layer1.0.weight``."""
        return self.name if self.line is None else f"{self.name}:{self.line}"

    def until(self, position: int) -> int:
        """Return how many points lie at or before a position."""
        return bisect_right(self.events, position, 0, self.count)

    def latest(self, position: int) -> float | None:
        """Return the newest value at a position, or None before the first."""
        known = self.until(position)
        return self.values[known - 1] if known else None


class SeriesReader:
    """All series of one tape."""

    def __init__(self, db: Database, renumbering: Renumbering | None = None) -> None:
        self._db = db
        self._renumbering = Renumbering(db) if renumbering is None else renumbering
        self._renumbered = 0
        self._last = 0
        self._heads: dict[int, tuple[SeriesKind, str, str | None, int | None]] = {}
        self._points: dict[int, tuple[array[int], array[int], array[float]]] = {}
        self._nonfinite: dict[int, int] = {}
        self._all: tuple[Series, ...] | None = None  # the same, as long as nothing is added

    def all(self) -> tuple[Series, ...]:
        """Return every series as far as it is committed now, in the order of their first points.

        Raises:
            TapeError: a chunk is damaged.
        """
        self._read()
        self._settle()
        if self._all is None:
            self._all = tuple(
                Series(*head, len(points[0]), *points, self._nonfinite.get(id_))
                for id_, head in self._heads.items()
                if (points := self._points.get(id_)) is not None
            )
        return self._all

    def _settle(self) -> None:
        """Correct the numbers of iterations that were given before it was known what an iteration is."""
        if self._renumbered != len(self._renumbering.rows):
            self._all = None
            for events, iterations, _ in self._points.values():
                self._renumbering.settle(events, iterations, 0, self._renumbered)
            self._renumbered = len(self._renumbering.rows)

    def _read(self) -> None:
        query = (
            "SELECT id, series, count, events, iterations, numbers, crc FROM chunk WHERE id > ? ORDER BY id LIMIT 1000"
        )
        rows = self._db.all(query, self._last)
        if rows:
            self._all = None
            self._read_heads()
        while rows:
            for row in rows:
                self._add(*row)
            self._last = rows[-1][0]
            rows = self._db.all(query, self._last)

    def _read_heads(self) -> None:
        known = len(self._heads)
        rows = self._db.all(
            "SELECT s.id, s.kind, s.name, p.path, s.line FROM series s LEFT JOIN source p ON p.id = s.file"
            " ORDER BY s.id LIMIT ? OFFSET ?",
            MAX_SERIES - known,
            known,
        )
        for id_, kind, name, path, line in rows:
            if kind not in get_args(SeriesKind) or type(name) is not str or type(line) not in {int, type(None)}:
                raise TapeError(f"{self._db.name} is damaged: series {id_!r} is not one.")
            self._heads[id_] = (kind, name, path, line)

    def _add(self, id_: int, series: Any, count: Any, *rest: Any) -> None:
        *packed, crc = rest
        is_sound = type(series) is int and type(count) is int
        if not is_sound or not all(type(data) is bytes and len(data) == 8 * count for data in packed):
            raise TapeError(f"{self._db.name} is damaged: chunk {id_} of a series is not one.")
        if crc != checksum(series, count, *packed):
            raise TapeError(f"{self._db.name} is damaged: chunk {id_} of a series is not what was written.")
        if series in self._heads:
            points = self._points.setdefault(series, (array("q"), array("q"), array("d")))
            events, iterations, values = points
            first = len(events)
            events.frombytes(packed[0])
            iterations.frombytes(packed[1])
            values.frombytes(packed[2])
            if self._renumbered:
                self._renumbering.settle(events, iterations, first, 0, self._renumbered)
            self._look_for_nonfinite(series, points[2], count)

    def _look_for_nonfinite(self, series: int, values: array[float], count: int) -> None:
        new = values[len(values) - count :]
        if series not in self._nonfinite and not math.isfinite(sum(new)):
            where = next((index for index, value in enumerate(new) if not math.isfinite(value)), None)
            if where is not None:
                self._nonfinite[series] = len(values) - count + where
