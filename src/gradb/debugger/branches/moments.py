"""Moments of a run that can be found again in another one, though the numbers of its events are others.

Output is cut by the clock, the insides of ops are recorded where somebody looked in, and of what is only watched there
are few events. So a moment is told by what every run of the script has: how many steps were made, how many backward
calls have begun since, and how many calls and nodes came after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from gradb.frame.reader import Tape
from gradb.tape.admission import connect
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Kind, numbers_of

BEGINS: tuple[Kind, ...] = ("loss", "backward_start")
"""What is told of the beginning of a backward, while it is only watched and in full."""
_COUNTED: frozenset[Kind] = frozenset({"op", "node", "accumulate", "zero_grad", "grad_change", "backward_end"})
"""What every full recording has of a stretch, however somebody has gone through it; see ``_is_counted``."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment between two events."""

    steps: int = 0
    """Optimizer steps made by then."""
    begins: int = 0
    """Backward calls that have begun since the last of them."""
    events: int = 0
    """Calls, nodes and the like since the last of both."""
    event: Event | None = None
    """The last event by then that any run has; None: it is the start."""


START = Moment()


def moment_of(tape: Tape, position: int, whole: int = 1, earlier: Moment = START) -> Moment:
    """Return the moment right after the newest event up to a position that every run of the script has.

    Args:
        tape: of the run.
        position: an event of it; 0: before the first.
        whole: the first event of the tape that counts.
        earlier: the moment right before that.

    Raises:
        TapeError: the tape is damaged.
    """
    step = _latest(tape, ("step",), whole, position)
    last = _latest(tape, (*BEGINS, "step"), whole, position)
    steps = earlier.steps + _count(tape.path, ("step",), whole - 1, position)
    begins = _count(tape.path, BEGINS, max(step, whole - 1), position) + (0 if step else earlier.begins)
    counted = [event for event in tape.events(max(last + 1, whole), position) if _is_counted(event)]
    newest = counted[-1] if counted else tape.event(last) if last else earlier.event
    return Moment(steps, begins, len(counted), newest)


def last_shared(tape: Tape, position: int, whole: int = 1) -> Event | None:
    """Return the event after which a run is at the moment of a position: the newest that every run of the script has.

    Args:
        tape: of the run.
        position: an event of it.
        whole: the first event of the tape that counts.

    Raises:
        TapeError: the tape is damaged.
    """
    while seq := _latest(tape, (*BEGINS, "step", *_COUNTED), whole, position):
        event = tape.event(seq)
        if event.kind not in _COUNTED or _is_counted(event):
            return event
        position = seq - 1
    return None


def _is_counted(event: Event) -> bool:
    """Tell whether every full recording has an event: not what an optimizer does inside of its step."""
    return event.kind in _COUNTED and not (event.kind == "op" and event.phase == "optimizer")


def is_same(one: Event | None, other: Event | None) -> bool:
    """Tell whether two events of two runs are of the same call."""
    if one is None or other is None:
        return one is other
    if {one.kind, other.kind} <= {*BEGINS}:
        return (one.file, one.line) == (other.file, other.line)
    return (one.kind, one.name, one.file, one.line) == (other.kind, other.name, other.file, other.line)


def _latest(tape: Tape, kinds: Iterable[Kind], first: int, position: int) -> int:
    """Return the newest event of some kinds from ``first`` to a position; 0: there is none."""
    return max((found for kind in kinds if (found := tape.latest(kind, position) or 0) >= first), default=0)


def _count(path: str, kinds: tuple[Kind, ...], after: int, until: int) -> int:
    query = f"SELECT count(*) FROM event WHERE kind IN ({numbers_of(*kinds)}) AND seq > ? AND seq <= ?"
    with closing(connect(path)) as db:
        return int(db.all(query, after, until)[0][0])
