"""Where a branch begins, and how another run of the script is taken there: what the tape of the run tells of both.

Nothing is run here; ``reaching`` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradb.debugger.branches.moments import START, Moment, moment_of
from gradb.debugger.branches.reaching import Turn
from gradb.debugger.errors import UserError
from gradb.frame.called import begin_of
from gradb.frame.reader import Tape, TapeError
from gradb.link.spec import Intervention
from gradb.tape.kinds.event import Event

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run branches off."""

    tape: str
    """Path of the tape of the run."""
    position: int
    """The newest event of that tape by then; 0: before the first."""
    lived: str = ""
    """Path of the tape of an iteration lived again, where the position is on one."""
    lived_position: int = 0
    """The event on that."""
    whole: int = 1
    """The first iteration that is whole on that."""
    last: int = 1
    """The last one."""
    within: int = 0
    """The iteration of the position; 0 before the first."""
    after: Event | None = None
    """The last event by then that every run of the script has: what is changed is changed right after it."""
    name: str = "0"
    """What that is called in the run."""

    @property
    def iteration(self) -> int:
        """Of that event; 0: it is the start."""
        return 0 if self.after is None else self.after.iteration

    @property
    def begin(self) -> int:
        """The last iteration at whose beginning a run can set out that comes here, recorded as it is here."""
        return self.whole - 1 if self.lived else self.within


@dataclass(frozen=True, slots=True)
class Route:
    """How a run is taken to a place, and what is recorded of it."""

    moment: Moment
    """The place."""
    turns: tuple[Turn, ...]
    """What is changed on the way there."""
    first: tuple[Intervention, ...]
    """What is changed before anything is done."""
    depths: tuple[Intervention, ...]
    """From which iterations on how much is recorded, beside that."""

    def behind(self, head: int, iteration: int, depth: str) -> Route:
        """Return the rest of it for a run that sets out at the beginning of an iteration.

        Args:
            head: the last event before that: what was changed by then is in force.
            iteration: the one that begins there.
            depth: how much is recorded there.
        """
        passed = [one.value for one in self.depths if one.iteration <= iteration]
        here = [Intervention("record", passed[-1], iteration)] if passed and passed[-1] != depth else []
        later = [one for one in self.depths if one.iteration > iteration]
        turns = tuple(turn for turn in self.turns if turn.event > head)
        return replace(self, turns=turns, first=(), depths=(*here, *later))


def route_to(tape: Tape, place: Place, planned: Sequence[Intervention]) -> Route:
    """Return how a place in the run of a tape is come to.

    Args:
        tape: of the run.
        place: in it.
        planned: what was to be changed in it by the numbers of iterations.

    Raises:
        UserError: the tape is damaged.
    """
    depths = tuple(_afterwards(tape, place, [one for one in planned if one.what == "record"]))
    try:
        if place.lived:
            return _route_into(tape, place, depths)
        turns = _turns(tape, place.position, ("zero_grad", "lr", "record"))
        return Route(moment_of(tape, place.position), *_split(turns), depths)
    except TapeError as error:
        raise UserError(str(error)) from error


def _route_into(tape: Tape, place: Place, later: tuple[Intervention, ...]) -> Route:
    """Return the same of a place in an iteration that was lived again: what is recorded is what it is there."""
    with Tape.open(place.lived) as lived:
        whole = begin_of(place.whole, lived.event, lived.head)
        before = begin_of(place.whole, tape.event, tape.head) - 1
        moment = moment_of(lived, place.lived_position, whole, moment_of(tape, before))
        depths = [mark for mark in lived.frame(lived.head).training.marks if mark.what == "record"]
    within = (Intervention("record", mark.value, mark.iteration) for mark in depths)
    return Route(moment, *_split(_turns(tape, place.position, ("zero_grad", "lr"))), (*within, *later))


def _turns(tape: Tape, position: int, kinds: Sequence[str]) -> list[Turn]:
    """Return what was changed from outside by a position, each at its moment.

    How much is recorded is changed by then too where nothing has happened in between.
    """
    marks = [mark for mark in tape.frame(tape.head).training.marks if mark.what in kinds][:_MOST]
    turns = [
        Turn(moment_of(tape, mark.event), Intervention(mark.what, mark.value), mark.event)
        for mark in marks
        if mark.event <= position
    ]
    after = next((mark for mark in marks if mark.event > position), None)
    if after is not None and after.what == "record" and "record" in kinds:
        moment = moment_of(tape, after.event)
        if moment == moment_of(tape, position):
            turns.append(Turn(moment, Intervention("record", after.value), after.event))
    return turns


def _afterwards(tape: Tape, place: Place, planned: list[Intervention]) -> list[Intervention]:
    """Return how much is recorded after a place: what was planned for the run that it is of.

    What was lived again was recorded in full for its own sake: behind that the branch is recorded as the run was.
    """
    if not place.lived:
        return [one for one in planned if one.iteration > max(place.within, 1)]
    begin = place.last + 1
    marks = tape.frame(tape.head).training.marks
    before = [mark.value for mark in marks if mark.what == "record" and mark.iteration <= begin]
    later = [one for one in planned if one.iteration > begin]
    return [Intervention("record", before[-1] if before else "full", begin), *later]


def asked_for(tape: Tape) -> tuple[Intervention, ...]:
    """Return how much of a recording was to be recorded from which iterations on.

    Raises:
        TapeError: the tape is damaged.
    """
    marks = tape.frame(tape.head).training.marks
    return tuple(Intervention(mark.what, mark.value, mark.iteration) for mark in marks if mark.reason == "asked for")


def depth_at(tape: Tape, head: int) -> str:
    """Return how much was recorded right after an event.

    Raises:
        TapeError: the tape is damaged.
    """
    marks = tape.frame(tape.head).training.marks
    return next((mark.value for mark in reversed(marks) if mark.what == "record" and mark.event <= head), "full")


def _split(turns: list[Turn]) -> tuple[tuple[Turn, ...], tuple[Intervention, ...]]:
    """Take out what is changed before anything is done."""
    first = tuple(turn.change for turn in turns if turn.moment == START)
    return tuple(turn for turn in turns if turn.moment != START), first
