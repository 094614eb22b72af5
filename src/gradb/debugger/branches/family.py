"""The runs that one goes to and fro between: the first, and the branches that were made of it.

Each has a tape, a position and, while its script is held or runs, a process of its own. Nothing in it waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.debugger.branches.beside import beside, first_of, is_name_of_branch, number_of
from gradb.debugger.branches.changes import ANEW, label
from gradb.debugger.branches.member import Member
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.ghost import Ghost

if TYPE_CHECKING:
    from gradb.debugger.branches.making import Made

FIRST = 0


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
        self._made: list[Member] = []  # of which the end was not told

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
        self._made.append(member)
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

    def take_news(self) -> str:
        """Return, once, which branches have been ended since as they would have written a file; empty where none."""
        ended = [member for member in self._made if member.debugger is not None and not member.debugger.is_live]
        self._made = [member for member in self._made if member not in ended]
        return "; ".join(self._told_of(member) for member in ended if member.tried())

    def _told_of(self, member: Member) -> str:
        """Say what a branch would have written, and how it is made where it may."""
        origin = member.origin
        assert origin is not None
        of = str(FIRST) if member.parent is None else member.parent.key
        ended = "" if member is self._current else f"{member.name} was ended: it {member.tried()}; "
        return (
            f"{ended}what goes on from a checkpoint may write no file:"
            f" `branches {of}; goto {origin.place}; branch {label(origin.what, origin.value)} {ANEW}`"
            " runs the script from its start"
        )

    def filenos(self) -> Iterator[int]:
        """Yield descriptors that are readable when one of those has something to say."""
        for member in self.others:
            if member.debugger is not None and not member.ghost and (fd := member.debugger.fileno()) >= 0:
                yield fd

    def close(self, left: Debugger | None = None) -> None:
        """End all scripts but one, the first run's last, and let go of their tapes; safe to call twice.

        Args:
            left: is left to whoever has it.
        """
        for member in reversed(self.members):  # a branch may go on from a checkpoint, which ends with its run
            if member.debugger is not None and member.debugger is not left and not member.ghost:
                member.debugger.close()

    def _sort(self) -> None:
        """Put the runs in order, and the branches of branches behind what they branch off."""
        self.members.sort(key=lambda member: (bool(member.ghost), member.number))
        for member in self.members:
            if member.origin is None:
                continue
            before = [one for one in self.members if one.number < member.number and not one.ghost]
            named = [one for one in before if Path(one.path).name == member.origin.tape]
            member.parent = next((one for one in named if one.number), None) if len(named) == 1 else None
            member.is_of_a_stranger = not named and is_name_of_branch(member.origin.tape)
