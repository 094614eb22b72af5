"""What a checkpoint is to the debugger, and the line over which they come: ``link.checkpoints`` has both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gradb.link.checkpoints import Said
from gradb.link.launch import Debuggee
from gradb.link.spec import RunSpec


class Waiting(Protocol):
    """A forked child of the script that waits, and may be gone on from as often as is wanted."""

    @property
    def number(self) -> int:
        """Which of the run's it is, from 1."""

    @property
    def iteration(self) -> int:
        """The iteration that begins there: what goes on from it has all of this one."""

    @property
    def head(self) -> int:
        """The last event before it."""

    @property
    def pid(self) -> int:
        """Its process."""

    @property
    def price(self) -> float:
        """CPU seconds of the script's process that it took to make it."""

    @property
    def copied(self) -> float:
        """CPU seconds that the one before it cost after it was made: pages that the script wrote were copied for it."""

    @property
    def is_gone(self) -> bool:
        """True once its process has ended."""

    @property
    def is_used(self) -> bool:
        """True while something goes on from it."""

    def lay_out(self, tape: str) -> tuple[int, int]:
        """Make the tape and the log of a run that goes on from it; see ``scribe.tapes.lay_out``.

        Raises:
            OSError: they cannot be made.
        """

    def start(self, spec: RunSpec) -> Debuggee:
        """Have a run go on from it, with a channel of its own.

        Raises:
            NotStarted: it is gone, or will not.
        """

    def close(self) -> None:
        """Let it go, and all that goes on from it; safe to call twice."""


class Line(Protocol):
    """Where checkpoints announce themselves."""

    @property
    def is_over(self) -> bool:
        """True once no more can come: the script's process has ended."""

    def take(self) -> Sequence[Waiting | Said]:
        """Return what has come since the last time, without waiting."""

    def close(self) -> None:
        """Hear no more; safe to call twice."""
