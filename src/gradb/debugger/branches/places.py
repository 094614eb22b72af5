"""Where a branch begins: a place in another run."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.event import Event


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
