"""One of the runs that one goes to and fro between: the first one, a branch, or the ghost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from gradb.debugger.branches.changes import label
from gradb.debugger.debugger import Debugger
from gradb.debugger.rerun.attempts import attempt, ending
from gradb.frame.called import Place
from gradb.frame.reader import Tape, TapeError
from gradb.tape.branching import Origin
from gradb.tape.series import Series

GHOST = "v"
"""What the ghost is gone to by: the key that makes it."""


@dataclass(slots=True)
class Member:
    """One run."""

    number: int
    """Of a branch from 1 on; 0: the first run."""
    path: str
    """Of its tape."""
    origin: Origin | None
    """Where a branch comes from; None of the first run."""
    debugger: Debugger | None = None
    """None as long as nobody has gone to it: it is a recording then."""
    ghost: str = ""
    """Of a ghost: what it differs by, from the start on."""
    parent: Member | None = field(default=None, repr=False)
    """The branch that this one branches off; None: it is one of the first run, or that is not there."""
    is_of_a_stranger: bool = False
    """It branches off a branch that is not there."""
    _known: tuple[tuple[Series, ...], str, str] | None = field(default=None, repr=False)

    @property
    def is_ghost(self) -> bool:
        """True of the ghost."""
        return bool(self.ghost)

    @property
    def key(self) -> str:
        """What it is gone to by: its number, or ``v`` of the ghost."""
        return GHOST if self.ghost else str(self.number)

    @property
    def name(self) -> str:
        """``the first run``, ``branch 2``."""
        if self.ghost:
            return "the ghost"
        return f"branch {self.number}" if self.number else "the first run"

    @property
    def label(self) -> str:
        """What tells it from the others: ``branch 2: zero_grad off from iteration 120``.

        Of a branch of a branch all changes on its way: ``branch 3: zero_grad off from iteration 120, lr 1 from 300``.
        """
        if self.ghost:
            return f"{self.name}: {self.ghost} from the start"
        return f"{self.name}: {', '.join(self._changes())}" if self.origin is not None else self.name

    def _changes(self) -> list[str]:
        """Return what was changed on the way here, the first change first."""
        origin, before = self.origin, [] if self.parent is None else self.parent._changes()
        if origin is None:
            return before
        where = f"{'' if before else 'iteration '}{origin.iteration:,}" if origin.iteration else "the start"
        where += f" of {origin.tape}" if self.is_of_a_stranger else ""
        return [*before, f"{label(origin.what, origin.value)} from {where}"]

    @property
    def status(self) -> str:
        """How it stands: ``paused``, ``running``, ``finished`` ...; empty where nobody has looked.

        Of one that was ended as it would have written a file it is that.
        """
        if ended := self._ended(1, ending):
            return ended
        return "" if self.debugger is None else self.debugger.status

    @property
    def is_running(self) -> bool:
        """True while its script moves."""
        return self.debugger is not None and self.debugger.is_running

    @property
    def head(self) -> int:
        """The last event recorded; 0 of a recording that nobody has gone to."""
        return 0 if self.debugger is None else self.debugger.run.head

    def series(self) -> tuple[Series, ...]:
        """Return its series, as far as they are recorded now; of a tape that cannot be read none."""
        with suppress(TapeError):
            if self.debugger is not None:
                return () if self.debugger.run.tape is None else self.debugger.run.tape.series
            return self._recorded()[0]
        return ()

    def tried(self) -> str:
        """Return what its script would have written, and was ended for, as a clause; empty where it was not."""
        return self._ended(0, lambda tape: attempt(tape, is_brief=True))

    def _ended(self, which: int, read: Callable[[Tape], str]) -> str:
        """Return what a tape tells of that: of a recording as it was read before."""
        if self.origin is None:
            return ""
        with suppress(TapeError):
            if self.debugger is None:
                return self._recorded()[1:][which]
            tape = self.debugger.run.tape
            return "" if tape is None or self.debugger.is_live else read(tape)
        return ""

    def _recorded(self) -> tuple[tuple[Series, ...], str, str]:
        """Return the same of a recording; what cannot be read is not tried again."""
        if self._known is None:
            self._known = (), "", ""
            with Tape.open(self.path, is_over=True) as tape:
                self._known = tape.series, attempt(tape, is_brief=True), ending(tape)
        return self._known

    def opened(self) -> Debugger:
        """Return its debugger; a recording is opened, and stands where it branches off.

        Raises:
            UserError: it cannot be read.
        """
        if self.debugger is None:
            self.debugger = Debugger.open(self.path)
            if self.origin is not None:
                self.debugger.go(Place(min(self.origin.event, self.debugger.head)))
        return self.debugger
