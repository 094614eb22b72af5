"""What the training pane shows: series, interventions, and what holds at a position.

It is drawn over the whole of the run as far as it is recorded, with the position as a cursor on it; what is said to
hold (policy, counts, rates) holds at the position.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.registry import CODES
from gradb.tape.series import Series

MAX_MARKS = 10_000
_OF_POLICIES = {"suppressed", "missed", "inserted"}
"""Series that count what was done to clears: one after the last step makes no iteration."""
_FIRST: dict[str, str] = {"zero_grad": "script", "lr": "script", "record": "full"}


@dataclass(frozen=True, slots=True)
class InterventionMark:
    """A change that was made from outside, or of the depth of recording."""

    event: int
    iteration: int
    what: Literal["zero_grad", "lr", "record"]
    value: str
    """``off``, ``1e-4``, ``watch`` ..."""
    reason: str = ""
    """Of a change of depth: who or what asked for it."""


@dataclass(frozen=True, slots=True)
class Onset:
    """Where a series first has a NaN or an infinity."""

    series: Series
    event: int
    iteration: int
    value: float


@dataclass(frozen=True, slots=True)
class Training:
    """How the training goes."""

    series: tuple[Series, ...]
    """All series, as far as they are recorded."""
    marks: tuple[InterventionMark, ...]
    """All interventions and changes of depth, as far as they are recorded."""
    position: int
    iteration: int
    """At the position; 0 before the first event."""
    iterations: int
    """The last iteration of which there is a loss or a step; 0 where there is none."""
    is_finished: bool
    """True when the end of the run is on the tape."""
    policy: InterventionMark | None
    """The mark that set the zero_grad policy in force at the position; None: as the script is written."""
    rate: InterventionMark | None
    """The same for the learning rate."""
    depth: InterventionMark | None
    """The same for the depth of recording, before the first event as that tells; None: full."""
    watched: InterventionMark | None
    """The mark from which on the newest stretch up to the position was only watched; None: there is none."""
    touched: int
    """How many calls the policy in force has suppressed (``off``) or added (``on``) up to the position."""
    missed: int
    """How many clears the policy ``off`` could not hold back up to the position."""
    seed: int | None
    """What ``--seed`` gave, or None."""

    @property
    def losses(self) -> tuple[Series, ...]:
        """The losses among the series."""
        return tuple(series for series in self.series if series.kind == "loss")

    @property
    def is_over(self) -> bool:
        """True where the position is past the last iteration: what the script does after its last step."""
        return self.is_finished and 0 < self.iterations < self.iteration

    @property
    def total(self) -> int:
        """How many iterations the run has; 0 as long as that is not known."""
        return self.iterations if self.is_finished else 0

    @property
    def is_blank(self) -> bool:
        """True where nothing is recorded yet that would tell how the run is recorded."""
        return not (self.position or self.series or self.marks or self.is_finished)

    @property
    def has_updates(self) -> bool:
        """True when a step, or an update of a parameter by hand, is among what was recorded."""
        return any(series.kind in {"grad_norm", "parameter_norm", "learning_rate"} for series in self.series)

    @property
    def first_nonfinite(self) -> Onset | None:
        """The first NaN or infinity of any loss or gradient norm of the whole recording."""
        found = [hit for series in self.series if series.kind in {"loss", "grad_norm"} and (hit := nonfinite(series))]
        return min(found, key=attrgetter("event"), default=None)


def nonfinite(series: Series) -> Onset | None:
    """Return where a series first has a NaN or an infinity, or None."""
    index = series.first_nonfinite
    if index is None:
        return None
    return Onset(series, series.events[index], series.iterations[index], series.values[index])


class Trainings:
    """Builds the view of one tape."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._series = store.series
        self._marks: list[InterventionMark] = []
        self._read_at = 0

    def at(self, position: int, head: int, iteration: int) -> Training:
        """Return the view at a position, 0 <= position <= head.

        Raises:
            TapeError: the tape is damaged.
        """
        self._read_marks(head)
        series = self._series.all()
        policy, rate = (self._in_force(what, position) for what in ("zero_grad", "lr"))
        depth = self._in_force("record", max(position, 1))  # before the first event it is as that tells
        seed = self._store.db.one("SELECT value FROM run WHERE key = 'seed'")
        return Training(
            series=series,
            marks=tuple(self._marks),
            position=position,
            iteration=iteration,
            iterations=max(
                (one.iterations[one.count - 1] for one in series if one.kind not in _OF_POLICIES), default=0
            ),
            is_finished=self._store.latest("end", head) is not None,
            policy=policy,
            rate=rate,
            depth=depth,
            watched=_watched(self._until(position)),
            touched=_touched(series, policy, position),
            missed=_counted(series, "missed", policy, position),
            seed=_number(seed[0]) if seed is not None else None,
        )

    def all_series(self) -> tuple[Series, ...]:
        """Return every series as far as it is committed now."""
        return self._series.all()

    def unseen_since(self, event: int, position: int) -> InterventionMark | None:
        """Return the mark from which on what was recorded at ``event`` may have changed unseen; None: it is known.

        Everything is taken stock of when everything is recorded again, so only a stretch that was only watched, and
        that began between the event and the position, counts.
        """
        self._read_marks(position)
        before = self._marks[: bisect_left(self._marks, position, key=attrgetter("event"))]
        newest = _watched(before)
        return newest if newest is not None and newest.event > event else None

    def _in_force(self, what: str, position: int) -> InterventionMark | None:
        newest = next((mark for mark in reversed(self._until(position)) if mark.what == what), None)
        return None if newest is None or newest.value == _FIRST[what] else newest

    def _until(self, position: int) -> list[InterventionMark]:
        return self._marks[: bisect_right(self._marks, position, key=attrgetter("event"))]

    def _read_marks(self, head: int) -> None:
        if head <= self._read_at:
            return
        query = (
            f"SELECT seq FROM event WHERE kind = {CODES['intervention']} AND seq > ? AND seq <= ? UNION ALL"
            f" SELECT seq FROM event WHERE kind = {CODES['depth']} AND seq > ? AND seq <= ? ORDER BY 1 LIMIT ?"
        )
        room = MAX_MARKS - len(self._marks)
        for (seq,) in self._store.db.all(query, self._read_at, head, self._read_at, head, room):
            self._marks.append(self._mark(seq))
        self._read_at = head

    def _mark(self, seq: int) -> InterventionMark:
        iteration = self._store.event(seq).iteration
        match self._store.detail(seq):
            case InterventionDetail("zero_grad", _, after):
                return InterventionMark(seq, iteration, "zero_grad", after)
            case InterventionDetail("lr", _, after):
                return InterventionMark(seq, iteration, "lr", after)
            case DepthDetail(depth, reason, _, _):
                return InterventionMark(seq, iteration, "record", depth, reason)
        raise TapeError(f"{self._store.db.name} is damaged: event {seq} changes nothing that is known.")


def _watched(marks: Sequence[InterventionMark]) -> InterventionMark | None:
    """Return the newest mark from which on a script was only watched."""
    return next((mark for mark in reversed(marks) if mark.what == "record" and mark.value == "watch"), None)


def _touched(series: tuple[Series, ...], policy: InterventionMark | None, position: int) -> int:
    """Return what the policy in force has done so far; the series count from 1 in each period."""
    return _counted(series, "suppressed" if policy and policy.value == "off" else "inserted", policy, position)


def _counted(series: tuple[Series, ...], kind: str, policy: InterventionMark | None, position: int) -> int:
    if policy is None:
        return 0
    counts = [one for one in series if one.kind == kind]
    latest = [one.values[known - 1] for one in counts if (known := one.until(position)) > one.until(policy.event)]
    return int(max(latest, default=0))


def _number(text: object) -> int | None:
    try:
        return int(str(text))
    except ValueError:
        return None
