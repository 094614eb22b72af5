"""Holds a run against another one on its way to a place in it: it has to come there, and with the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gradb.debugger.branches import reaching
from gradb.debugger.branches.places import Place
from gradb.debugger.branches.reaching import Elsewhere
from gradb.debugger.branches.routes import Route
from gradb.debugger.branches.sameness import compare_up_to
from gradb.debugger.ending import killed
from gradb.debugger.errors import CheckpointLost, UserError
from gradb.debugger.rerun.attempts import attempt
from gradb.debugger.rerun.begun import Begun
from gradb.debugger.rerun.following import Tell
from gradb.debugger.rerun.noticing import Differs, Noticing
from gradb.debugger.rerun.reasons import reasons
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention


@dataclass(frozen=True, slots=True)
class Repeating:
    """A run that is to do what another one did, up to a place."""

    first: Tape
    """Of the other one."""
    place: Place
    """In that."""
    run: Run
    begun: Begun
    """From where it goes on."""
    tell: Tell
    """Is called now and then meanwhile."""

    def reach(self, route: Route) -> int:
        """Take it to the place; return how many losses and norms were found the same on the way, bit for bit.

        Raises:
            CheckpointLost, UserError: it does not come there, or did not do the same: by whether it goes on from a
                checkpoint.
        """
        with self._failing():
            reaching.reach(self.run, route.turns, route.moment, Noticing(self.first, self.tell, self.begun.iteration))
            tape, begin = self.own, self.begun.iteration
            compared, difference = compare_up_to(self.first, self.place.position, tape, self.run.head, begin=begin)
            if difference is not None:
                raise Differs(difference.text)
            return compared

    def change(self, intervention: Intervention) -> None:
        """Have something changed at the place.

        Raises:
            CheckpointLost, UserError: it cannot be.
        """
        with self._failing():
            reaching.change(self.run, intervention, self.tell)

    @property
    def own(self) -> Tape:
        """Its tape, as far as it goes.

        Raises:
            UserError: there is none.
        """
        if self.run.tape is None:
            raise UserError(self.run.failure or "no branch: nothing was recorded of the run again")
        return self.run.tape

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Say why there is no branch."""
        is_first = self.begun.event is None
        try:
            yield
        except (Elsewhere, Differs) as error:
            why = self._why(str(error))
            raise UserError(f"no branch: {why}") if is_first else CheckpointLost(why) from error
        except CheckpointLost:
            raise
        except UserError as error:
            if is_first:
                raise
            raise CheckpointLost(f"{self.begun.words}, {error}") from error

    def _why(self, told: str) -> str:
        """Return what differed, or where the run came to instead, and what likely makes it so."""
        own, again = self.run.tape, self.begun.words
        if own is not None and (tried := attempt(own)):
            return f"{again}, the script {tried}, which it may not there"
        position, head = self.place.position, self.run.head
        begin = self.begun.iteration
        found = None if own is None else compare_up_to(self.first, position, own, head, begin=begin, is_cut=True)[1]
        if found is None and (ended := killed(self.run.status)):
            return f"{self.begun.who} {ended}"
        because = [] if own is None or self.begun.event is not None else reasons(self.first, own)
        more = f"; what may make it so: {'; '.join(one.text for one in because)}" if because else ""
        return f"{again}, the script did not do the same: {told if found is None else found.text}{more}"
