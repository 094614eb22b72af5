"""The runs that one goes to and fro between: the first, and the branches that were made of it.

Each has a tape, a position and, while its script is held or runs, a process of its own. Nothing in it waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from gradb.debugger.branches.beside import beside, first_of, number_of
from gradb.debugger.branches.changes import label
from gradb.debugger.branches.making import Made
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.ghost import Ghost
from gradb.frame.called import Place
from gradb.frame.reader import Tape, TapeError
from gradb.tape.branching import Origin
from gradb.tape.series import Series

FIRST = 0
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
    _series: tuple[Series, ...] | None = field(default=None, repr=False)

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
        """What tells it from the others: ``branch 2: zero_grad off from iteration 120``."""
        origin = self.origin
        if self.ghost:
            return f"{self.name}: {self.ghost} from the start"
        if origin is None:
            return self.name
        where = f"iteration {origin.iteration:,}" if origin.iteration else "the start"
        return f"{self.name}: {label(origin.what, origin.value)} from {where}"

    @property
    def status(self) -> str:
        """How it stands: ``paused``, ``running``, ``finished`` ...; empty where nobody has looked."""
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
            if self._series is None:
                self._series = ()
                with Tape.open(self.path, is_over=True) as tape:
                    self._series = tape.series
            return self._series
        return ()

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


class Family:
    """A run, its branches, and which of them one looks at.

    Args:
        debugger: the run that one begins with.
    """

    def __init__(self, debugger: Debugger) -> None:
        path = debugger.run.path
        self.members = [Member(number_of(path), path, None, debugger)]
        self._current = self.members[0]
        self._is_searched = False

    @property
    def current(self) -> Debugger:
        """The debugger of the run that one looks at."""
        assert self._current.debugger is not None
        return self._current.debugger

    @property
    def here(self) -> Member:
        """The run that one looks at."""
        return self._current

    @property
    def others(self) -> tuple[Member, ...]:
        """All but that one, in the order of their numbers."""
        return tuple(member for member in self.members if member is not self._current)

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self.members)

    def find(self) -> None:
        """Take in, once, what lies beside the tape of a recording: the first run, and branches made before."""
        first = self.members[0]
        if self._is_searched or (first.debugger is not None and first.debugger.is_live):
            return
        self._is_searched = True
        known = {member.number for member in self.members}
        for found in beside(first.path):
            if found.number in known - {first.number}:
                continue
            if found.number == first.number:
                first.origin = found.origin
            else:
                self.members.append(Member(found.number, found.path, found.origin))
        root = first_of(first.path)
        if first.number and first.origin is not None and root.is_file():
            self.members.append(Member(FIRST, str(root), None))
        self._sort()

    def add(self, made: Made) -> Debugger:
        """Take a branch that was made, and look at it."""
        debugger = Debugger(made.run)
        debugger.go_to_end()
        path = made.run.path
        member = Member(number_of(path), path, made.origin, debugger)
        self.members.append(member)
        self._sort()
        return self._go(member)

    def haunt(self, ghost: Ghost | None) -> None:
        """Take the ghost among the runs, in place of the one there was; None: there is none any more."""
        before = next((member for member in self.members if member.ghost), None)
        if before is not None and (ghost is None or before.debugger is None or before.debugger.run is not ghost.run):
            if before is self._current:
                self._go(self.members[0])
            self.members.remove(before)
        elif before is not None:
            return
        if ghost is not None:
            debugger = Debugger(ghost.run)
            debugger.go_to_end()
            self.members.append(Member(0, ghost.run.path, None, debugger, ghost.label))

    def go(self, argument: str) -> Debugger:
        """Look at another run.

        Args:
            argument: the number of a branch, 0 for the first run, ``v`` for the ghost.

        Raises:
            UserError: there is none of that name, or it cannot be read.
        """
        found = next((member for member in self.members if member.key == argument.strip()), None)
        if found is None:
            raise UserError(f"there is no {argument.strip()!r} among the runs: {self._told()}")
        return self._go(found)

    def _go(self, member: Member) -> Debugger:
        """Look at another run; it has what the user has set in the one before."""
        before, after = self.current, member.opened()
        before.break_off()
        after.breakpoints, after.displays = before.breakpoints, before.displays
        after.shows_quiet, after.patience, after.grads = before.shows_quiet, before.patience, before.grads
        self._current = member
        return after

    def _told(self) -> str:
        """Say what there is."""
        if len(self.members) == 1:
            return "there is but the first run; `branch` makes another"
        return ", ".join(f"{member.key} is {member.name}" for member in self.members)

    @property
    def is_running(self) -> bool:
        """True while one of the scripts moves that one does not look at."""
        return any(member.is_running for member in self.others if not member.ghost)

    def pump(self) -> bool:
        """Take in what the scripts have said of the runs that one does not look at; return whether there is news."""
        news = False
        for member in self.others:
            if member.debugger is not None and member.debugger.is_live and not member.ghost:
                with suppress(UserError):  # it is said once one looks at it
                    news = member.debugger.pump(0.0) or news
        return news

    def filenos(self) -> Iterator[int]:
        """Yield descriptors that are readable when one of those has something to say."""
        for member in self.others:
            if member.debugger is not None and not member.ghost and (fd := member.debugger.fileno()) >= 0:
                yield fd

    def close(self, left: Debugger) -> None:
        """End all scripts but one, and let go of their tapes; safe to call twice.

        Args:
            left: is left to whoever has it.
        """
        for member in self.members:
            if member.debugger is not None and member.debugger is not left and not member.ghost:
                member.debugger.close()

    def _sort(self) -> None:
        self.members.sort(key=lambda member: (bool(member.ghost), member.number))
