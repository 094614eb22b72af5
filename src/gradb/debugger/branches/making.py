"""Makes a branch: the script is run again up to a position, and only where it has done the same something is changed.

Where a checkpoint waits before the position it goes on from that. Every loss and norm on the way is compared bit for
bit; where one differs nothing is kept. The run is held at the change, and stepped like any other from there.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.debugger.branches.beside import folder_of, identity
from gradb.debugger.branches.changes import label, read_order
from gradb.debugger.branches.moments import last_shared
from gradb.debugger.branches.places import Place
from gradb.debugger.branches.planned import depth_at, planned_of
from gradb.debugger.branches.repeating import Repeating
from gradb.debugger.branches.routes import Route, route_to
from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.checkpoints.waiting import Waiting
from gradb.debugger.counterpart import counterpart
from gradb.debugger.errors import CheckpointLost, UserError
from gradb.debugger.rerun import orders, origin
from gradb.debugger.rerun.begun import FROM_THE_START, Begun
from gradb.debugger.rerun.consent import Consent, consent_to
from gradb.debugger.rerun.following import Tell, silent
from gradb.debugger.run import Run
from gradb.frame.called import begin_of
from gradb.frame.reader import Tape, TapeError
from gradb.link.spec import Intervention, RunSpec
from gradb.scribe.tapes import discard
from gradb.tape import branching, trouble
from gradb.tape.branching import Origin
from gradb.tape.kinds.event import Event

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

_NONE_WAITS = "no checkpoint waits before it"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A branch that is asked for."""

    place: Place
    change: Intervention
    spec: RunSpec | None
    """What was started, where that is the user's own run; None: the tape tells it."""
    command: Sequence[str] | None = None
    """What is started in place of the tracer."""
    pool: Pool = field(default_factory=Pool, repr=False)
    """What waits of the run."""
    is_anew: bool = False
    """Whether the script is to be run from its start wherever a checkpoint waits."""
    why: str = ""
    """Why it is run from its start, as a clause; empty where nothing else was asked for."""

    @property
    def label(self) -> str:
        """What is changed: ``zero_grad off``."""
        return label(self.change.what, self.change.value)

    # --- from a checkpoint --------------------------------------------------------------------------------------------

    @property
    def has_checkpoint(self) -> bool:
        """True where it can go on from a checkpoint, which nobody has to agree to: what does can write nothing."""
        return not self.is_anew and self.pool.before(self.place.begin) is not None

    def go_on(self, tell: Tell = silent) -> Made:
        """Have it go on from the nearest checkpoint. That stays as long as the branch goes on.

        Raises:
            CheckpointLost: nothing came of it, and nothing is kept: the script would have to be run from its start.
            UserError: there can be no tape.
        """
        assert self.spec is not None
        with _open(self.place.tape) as tape, self.pool.nearest(self.place.begin) as source:
            if source is None or source.head > self.place.position:
                raise CheckpointLost("the checkpoint before it is gone")
            route = route_to(tape, self.place, self.spec.interventions)
            route = route.behind(source.head, source.iteration, depth_at(tape, source.head))
            order = replace(orders.branching(self.spec, route.planned, ""), checkpoints=0)
            return self._made(tape, order, route, tell, source)

    def from_start(self, why: str) -> Wanted:
        """Return the same, to be made from the start of the script, and why."""
        return replace(self, is_anew=True, why=why)

    # --- from the start -----------------------------------------------------------------------------------------------

    def consent(self) -> Consent:
        """Return what has to be agreed to before the script is run again.

        Raises:
            UserError: it cannot be run again.
        """
        with _open(self.place.tape) as tape, self._explaining():
            remarks = () if self.spec is not None else tuple(origin.versions(tape))
            told = consent_to(self._order(tape), tape.writes, is_from_tape=self.spec is None, remarks=remarks)
            return replace(told, why=self.why)

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        """Say before what stands against a run from the start why there has to be one."""
        try:
            yield
        except UserError as error:
            raise UserError("; ".join(filter(None, (self.why, str(error))))) from error

    def _order(self, tape: Tape) -> RunSpec:
        """Return what is run: the user's own files, where they are what they were."""
        told = origin.spec_of(tape) if self.command is None else RunSpec("", "")
        return told if self.spec is None else replace(self.spec, cwd=told.cwd or self.spec.cwd)

    def run(self, tell: Tell = silent) -> Made:
        """Run the script again from its start up to the place; somebody has agreed to ``consent``.

        Raises:
            UserError: it cannot be run again, or did not do the same: then nothing is kept.
        """
        with _open(self.place.tape) as tape:
            spec = self._order(tape)
            route = route_to(tape, self.place, spec.interventions if self.spec is not None else planned_of(tape))
            order = orders.branching(spec, route.planned, origin.hash_seed(tape))
            made = self._made(tape, order, route, tell)
            return replace(made, said=f"{made.said}; run from its start: {self.why}") if self.why else made

    # --- both ---------------------------------------------------------------------------------------------------------

    def _made(self, tape: Tape, order: RunSpec, route: Route, tell: Tell, source: Waiting | None = None) -> Made:
        """Start what is ordered, take it to the place, and make the change there; what comes to nothing is removed."""
        begun = FROM_THE_START if source is None else Begun(source.iteration, source.head)
        with _room(self.place.tape) as path:
            run = Run.launch(replace(order, tape=path), self.command if source is None else None, source)
            try:
                repeating = Repeating(tape, self.place, run, begun, tell)
                compared = repeating.reach(route)
                head = run.head
                repeating.change(self.change)
                made = self._write_origin(tape, path, head, compared)
                run.close_tape()  # it was opened on this thread
            except BaseException:
                run.close()
                discard(path)
                raise
        return Made(run, made, _said(self.place, compared, begun))

    def _write_origin(self, tape: Tape, path: str, head: int, compared: int) -> Origin:
        """Put on the tape of the branch where it comes from, and return that.

        Raises:
            UserError: it cannot be written.
        """
        place, change = self.place, self.change
        made = Origin(
            identity(tape), Path(place.tape).name, place.name, place.iteration, head, change.what, change.value,
            compared,
        )  # fmt: skip
        try:
            branching.write(path, made)
        except sqlite3.Error as error:
            raise UserError(f"cannot write {path}: {trouble.why(error) or error}") from error
        return made


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
    change, is_anew = read_order(argument)
    tape = debugger.run.tape
    if tape is None:
        raise UserError(debugger.failure or f"nothing is recorded yet ({debugger.status})")
    event = debugger.event()
    if event is not None and event.kind == "end":
        raise UserError("the script is over here: a branch begins before its end")
    place, run = _place(debugger, tape, event), debugger.run
    asked = Wanted(place, change, run.spec, run.command, run.checkpoints, is_anew)
    is_missed = run.checkpoints.is_kept and not is_anew and not asked.has_checkpoint
    return asked.from_start(_NONE_WAITS) if is_missed else asked


def _place(debugger: Debugger, tape: Tape, event: Event | None) -> Place:
    """Return where one stands.

    Raises:
        UserError: the tape is damaged.
    """
    spot, within = debugger.spot, 0 if event is None else event.iteration
    try:
        if spot.lived is None:
            return _placed(Place(tape.path, spot.position, within=within), last_shared(tape, spot.position))
        own, lived = spot.lived.relived, spot.lived
        newest = counterpart(tape, lived, spot.position)
        place = Place(tape.path, newest, own.path, spot.position, own.first, own.last, within)
        if (after := last_shared(lived.tape, spot.position, lived.begin(own.first))) is not None:
            return replace(place, after=after, name=str(lived.called.place(after.seq)))
        return _placed(place, last_shared(tape, begin_of(own.first, tape.event, tape.head) - 1))
    except TapeError as error:
        raise UserError(str(error)) from error


def _placed(place: Place, after: Event | None) -> Place:
    """Return the place behind an event of the run's own tape."""
    return place if after is None else replace(place, after=after, name=str(after.seq))


# --- what is said -----------------------------------------------------------------------------------------------------


def _said(place: Place, compared: int, begun: Begun) -> str:
    event = place.after
    if event is None:
        return "from the start on"
    line = "" if event.line is None else f", line {event.line}"
    after = f"right after event {place.name}: {event.kind} {event.name}{line}"
    what = "before it" if begun.event is None else f"since the checkpoint at iteration {begun.iteration:,}"
    same = f"no loss and no norm comes {what}, so none could be compared"
    if compared:
        those = f"{compared:,} losses and norms {what} are" if compared > 1 else f"the loss {what} is"
        same = f"{those} equal bit for bit"
    return f"from iteration {place.iteration:,}; {same} ({after})"


# --- files ------------------------------------------------------------------------------------------------------------


def _open(path: str) -> Tape:
    try:
        return Tape.open(path)
    except TapeError as error:
        raise UserError(str(error)) from error


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
