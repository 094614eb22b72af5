"""Makes a branch: the script is run again up to a position, and only where it has done the same something is changed.

Every loss and norm up to there is compared bit for bit; where one differs nothing is kept. The run is held at the
change, and stepped like any other from there.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.debugger.branches import reaching
from gradb.debugger.branches.beside import folder_of, identity
from gradb.debugger.branches.changes import label, read_change
from gradb.debugger.branches.moments import START, Moment, moment_of
from gradb.debugger.branches.reaching import Elsewhere, Turn
from gradb.debugger.branches.sameness import compare_up_to
from gradb.debugger.counterpart import counterpart
from gradb.debugger.errors import UserError
from gradb.debugger.rerun import orders, origin
from gradb.debugger.rerun.consent import Consent, consent_to
from gradb.debugger.rerun.following import Tell, silent
from gradb.debugger.rerun.noticing import Differs, Noticing
from gradb.debugger.rerun.reasons import reasons
from gradb.debugger.run import Run
from gradb.frame.called import begin_of
from gradb.frame.reader import Tape, TapeError
from gradb.link.spec import Intervention, RunSpec
from gradb.scribe.tapes import discard
from gradb.tape import branching, trouble
from gradb.tape.branching import Origin

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

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
    name: str = "0"
    """What the event is called."""
    iteration: int = 0
    """Of the event; 0 before the first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A branch that is asked for."""

    place: Place
    change: Intervention
    spec: RunSpec | None
    """What was started, where that is the user's own run; None: the tape tells it."""
    command: Sequence[str] | None = None
    """What is started in place of the tracer."""

    @property
    def label(self) -> str:
        """What is changed: ``zero_grad off``."""
        return label(self.change.what, self.change.value)

    def consent(self) -> Consent:
        """Return what has to be agreed to before the script is run again.

        Raises:
            UserError: it cannot be run again.
        """
        with _open(self.place.tape) as tape:
            remarks = () if self.spec is not None else tuple(origin.versions(tape))
            return consent_to(self._order(tape), tape.writes, is_from_tape=self.spec is None, remarks=remarks)

    def _order(self, tape: Tape) -> RunSpec:
        """Return what is run: the user's own files, where they are what they were."""
        told = origin.spec_of(tape) if self.command is None else RunSpec("", "")
        return told if self.spec is None else replace(self.spec, cwd=told.cwd or self.spec.cwd)

    def run(self, tell: Tell = silent) -> Made:
        """Run the script again up to the place, and make the change there; somebody has agreed to ``consent``.

        Raises:
            UserError: it cannot be run again, or did not do the same: then nothing is kept.
        """
        with _open(self.place.tape) as tape:
            spec = self._order(tape)
            moment, turns, first = _way(tape, self.place)
            planned = spec.interventions if self.spec is not None else _asked_for(tape)
            depths = _afterwards(tape, self.place, [one for one in planned if one.what == "record"])
            spec = orders.branching(spec, (*first, *depths), origin.hash_seed(tape))
            with _room(self.place.tape) as path:
                run = Run.launch(replace(spec, tape=path), self.command)
                try:
                    return self._made(tape, run, turns, moment, tell)
                except BaseException:
                    run.close()
                    discard(path)
                    raise

    def _made(self, tape: Tape, run: Run, turns: Sequence[Turn], moment: Moment, tell: Tell) -> Made:
        try:
            reaching.reach(run, turns, moment, Noticing(tape, tell))
        except (Elsewhere, Differs) as error:
            raise UserError(self._refused(tape, run, str(error))) from error
        compared, difference = compare_up_to(tape, self.place.position, _tape_of(run), run.head)
        if difference is not None:
            raise UserError(self._refused(tape, run, ""))
        place, head = self.place, run.head
        with _told(run):
            reaching.change(run, self.change, tell)
        change = self.change
        made = Origin(
            identity(tape),
            Path(place.tape).name,
            place.name,
            place.iteration,
            head,
            change.what,
            change.value,
            compared,
        )
        try:
            branching.write(run.path, made)
        except sqlite3.Error as error:
            raise UserError(f"cannot write {run.path}: {trouble.why(error) or error}") from error
        run.close_tape()  # it was opened on this thread
        return Made(run, made, _said(place, moment, compared))

    def _refused(self, tape: Tape, run: Run, why: str) -> str:
        """Say why there is no branch: what differed, or where the run came to, and what likely makes it so."""
        own = run.tape
        _, difference = (
            (0, None) if own is None else compare_up_to(tape, self.place.position, own, run.head, is_cut=True)
        )
        told = difference.text if difference is not None else why
        found = [] if own is None else [reason.text for reason in reasons(tape, own)]
        more = f"; what may make it so: {'; '.join(found)}" if found else ""
        return f"no branch: run again, the script did not do the same: {told}{more}"


@dataclass(frozen=True, slots=True)
class Made:
    """A branch that was made: its run is held right after the change."""

    run: Run
    origin: Origin
    said: str
    """What is to be said of it."""


def wanted(debugger: Debugger, argument: str) -> Wanted:
    """Return the branch that an argument asks for at the position.

    Raises:
        UserError: it cannot be read, or there is nothing that a branch could begin from.
    """
    change = read_change(argument)
    tape, spot = debugger.run.tape, debugger.spot
    if tape is None:
        raise UserError(debugger.failure or f"nothing is recorded yet ({debugger.status})")
    event = debugger.event()
    if event is not None and event.kind == "end":
        raise UserError("the script is over here: a branch begins before its end")
    iteration = 0 if event is None else event.iteration
    name = debugger.name(debugger.position)
    try:
        if spot.lived is None:
            place = Place(tape.path, spot.position, name=name, iteration=iteration)
        else:
            lived = spot.lived
            newest = counterpart(tape, lived, spot.position)
            own = lived.relived
            place = Place(tape.path, newest, own.path, spot.position, own.first, own.last, name, iteration)
    except TapeError as error:
        raise UserError(str(error)) from error
    return Wanted(place, change, debugger.run.spec, debugger.run.command)


# --- the way to the place ---------------------------------------------------------------------------------------------


def _way(tape: Tape, place: Place) -> tuple[Moment, list[Turn], tuple[Intervention, ...]]:
    """Return the moment of a place, what is changed on the way there, and what is changed from the start on."""
    try:
        if place.lived:
            return _way_into(tape, place)
        turns = _turns(tape, place.position, ("zero_grad", "lr", "record"))
        return moment_of(tape, place.position), *_split(turns)
    except TapeError as error:
        raise UserError(str(error)) from error


def _way_into(tape: Tape, place: Place) -> tuple[Moment, list[Turn], tuple[Intervention, ...]]:
    """Return the same of a place in an iteration that was lived again: what is recorded is what it is there."""
    with _open(place.lived) as lived:
        whole = begin_of(place.whole, lived.event, lived.head)
        before = begin_of(place.whole, tape.event, tape.head) - 1
        moment = moment_of(lived, place.lived_position, whole, moment_of(tape, before))
        depths = [mark for mark in lived.frame(lived.head).training.marks if mark.what == "record"]
    turns, first = _split(_turns(tape, place.position, ("zero_grad", "lr")))
    return moment, turns, (*first, *(Intervention("record", mark.value, mark.iteration) for mark in depths))


def _turns(tape: Tape, position: int, kinds: Sequence[str]) -> list[Turn]:
    """Return what was changed from outside by a position, each at its moment.

    How much is recorded is changed by then too where nothing has happened in between.
    """
    marks = [mark for mark in tape.frame(tape.head).training.marks if mark.what in kinds][:_MOST]
    turns = [
        Turn(moment_of(tape, mark.event), Intervention(mark.what, mark.value))
        for mark in marks
        if mark.event <= position
    ]
    after = next((mark for mark in marks if mark.event > position), None)
    if after is not None and after.what == "record" and "record" in kinds:
        moment = moment_of(tape, after.event)
        turns += [Turn(moment, Intervention("record", after.value))] if moment == moment_of(tape, position) else []
    return turns


def _afterwards(tape: Tape, place: Place, planned: list[Intervention]) -> list[Intervention]:
    """Return how much is recorded after a place: what was planned for the run that it is of.

    What was lived again was recorded in full for its own sake: behind that the branch is recorded as the run was.
    """
    if not place.lived:
        return [one for one in planned if one.iteration > max(place.iteration, 1)]
    begin = place.last + 1
    marks = tape.frame(tape.head).training.marks
    before = [mark.value for mark in marks if mark.what == "record" and mark.iteration <= begin]
    later = [one for one in planned if one.iteration > begin]
    return [Intervention("record", before[-1] if before else "full", begin), *later]


def _asked_for(tape: Tape) -> tuple[Intervention, ...]:
    """Return how much of a recording was to be recorded from which iterations on."""
    marks = tape.frame(tape.head).training.marks
    return tuple(Intervention(mark.what, mark.value, mark.iteration) for mark in marks if mark.reason == "asked for")


def _split(turns: list[Turn]) -> tuple[list[Turn], tuple[Intervention, ...]]:
    """Take out what is changed before anything is done."""
    first = tuple(turn.change for turn in turns if turn.moment == START)
    return [turn for turn in turns if turn.moment != START], first


# --- what is said -----------------------------------------------------------------------------------------------------


def _said(place: Place, moment: Moment, compared: int) -> str:
    event = moment.event
    if event is None:
        return "from the start on"
    line = "" if event.line is None else f", line {event.line}"
    after = f"right after event {place.name}: {event.kind} {event.name}{line}"
    same = "no loss and no norm comes before it, so none could be compared"
    if compared:
        before = f"{compared:,} losses and norms before it are" if compared > 1 else "the loss before it is"
        same = f"{before} equal bit for bit"
    return f"from iteration {place.iteration:,}; {same} ({after})"


# --- files ------------------------------------------------------------------------------------------------------------


def _tape_of(run: Run) -> Tape:
    if run.tape is None:
        raise UserError(run.failure or "no branch: nothing was recorded of the run again")
    return run.tape


def _open(path: str) -> Tape:
    try:
        return Tape.open(path)
    except TapeError as error:
        raise UserError(str(error)) from error


@contextlib.contextmanager
def _told(run: Run) -> Iterator[None]:
    try:
        yield
    except Elsewhere as error:
        raise UserError(f"no branch: nothing could be changed there, {error}") from error


@contextlib.contextmanager
def _room(first: str) -> Iterator[str]:
    """Give the path for the tape of one more branch; its folder goes again where nothing comes of it.

    Raises:
        UserError: nothing can be written there.
    """
    folder = folder_of(first)
    try:
        folder.mkdir(exist_ok=True)
        number = 1
        while any(os.path.lexists(folder / f"{number}.tape{more}") for more in ("", "-log")):
            number += 1
        yield str(folder.absolute() / f"{number}.tape")
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()
