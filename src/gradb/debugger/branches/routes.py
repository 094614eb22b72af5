"""How another run of the script is taken to where a branch begins, as the tape of the first run tells it.

Nothing is run here; ``reaching`` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradb.debugger.branches.moments import START, Moment, moment_of
from gradb.debugger.branches.places import Place
from gradb.debugger.branches.planned import changes_before, changes_behind, depths_behind, is_kept
from gradb.debugger.branches.reaching import Turn
from gradb.debugger.errors import UserError
from gradb.frame.called import begin_of
from gradb.frame.reader import Tape, TapeError
from gradb.link.spec import Intervention

_MOST = 1_000


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
    kept: tuple[Intervention, ...] = ()
    """What else is changed on the way by the numbers of iterations, as it was planned for the other run."""
    later: tuple[Intervention, ...] = ()
    """The same of what is changed behind the place."""

    @property
    def planned(self) -> tuple[Intervention, ...]:
        """What is changed by the numbers of iterations."""
        return (*self.first, *self.depths, *self.kept, *self.later)

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
        kept = tuple(one for one in self.kept if one.iteration >= iteration)
        return replace(self, turns=turns, first=(), depths=(*here, *later), kept=kept)


def route_to(tape: Tape, place: Place, planned: Sequence[Intervention]) -> Route:
    """Return how a place in the run of a tape is come to.

    Args:
        tape: of the run.
        place: in it.
        planned: what was to be changed in it by the numbers of iterations.

    Raises:
        UserError: the tape is damaged.
    """
    try:
        depths, later = tuple(depths_behind(tape, place, planned)), tuple(changes_behind(tape, place, planned))
        kept = tuple(changes_before(tape, place, planned))
        if place.lived:
            return replace(_route_into(tape, place, depths, kept), later=later)
        turns = _turns(tape, place.position, ("zero_grad", "lr", "record"), kept)
        return Route(moment_of(tape, place.position), *_split(turns), depths, kept, later)
    except TapeError as error:
        raise UserError(str(error)) from error


def _route_into(tape: Tape, place: Place, later: tuple[Intervention, ...], kept: tuple[Intervention, ...]) -> Route:
    """Return the same of a place in an iteration that was lived again: what is recorded is what it is there."""
    with Tape.open(place.lived) as lived:
        whole = begin_of(place.whole, lived.event, lived.head)
        before = begin_of(place.whole, tape.event, tape.head) - 1
        moment = moment_of(lived, place.lived_position, whole, moment_of(tape, before))
        depths = [mark for mark in lived.frame(lived.head).training.marks if mark.what == "record"]
    within = (Intervention("record", mark.value, mark.iteration) for mark in depths)
    turns = _turns(tape, place.position, ("zero_grad", "lr"), kept)
    return Route(moment, *_split(turns), (*within, *later), kept)


def _turns(tape: Tape, position: int, kinds: Sequence[str], kept: Sequence[Intervention]) -> list[Turn]:
    """Return what was changed from outside by a position, each at its moment, beside what is kept as it was planned.

    How much is recorded is changed by then too where nothing has happened in between.
    """
    marks = [mark for mark in tape.frame(tape.head).training.marks if mark.what in kinds][:_MOST]
    turns = [
        Turn(moment_of(tape, mark.event), Intervention(mark.what, mark.value), mark.event)
        for mark in marks
        if mark.event <= position and not is_kept(mark, kept)
    ]
    after = next((mark for mark in marks if mark.event > position), None)
    if after is not None and after.what == "record" and "record" in kinds:
        moment = moment_of(tape, after.event)
        if moment == moment_of(tape, position):
            turns.append(Turn(moment, Intervention("record", after.value), after.event))
    return turns


def _split(turns: list[Turn]) -> tuple[tuple[Turn, ...], tuple[Intervention, ...]]:
    """Take out what is changed before anything is done."""
    first = tuple(turn.change for turn in turns if turn.moment == START)
    return tuple(turn for turn in turns if turn.moment != START), first
