"""From where a script was run again: its start, or a checkpoint of an earlier run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Begun:
    """From where a script was run again."""

    iteration: int = 1
    """The first one that was run again."""
    event: int | None = None
    """The last event before the checkpoint that it went on from; None: it was run from its start."""

    @property
    def words(self) -> str:
        """As a clause: ``run again``."""
        return "run again" if self.event is None else f"from the checkpoint at iteration {self.iteration:,}"

    @property
    def who(self) -> str:
        """What was ended where its process was killed, before ``was``: a runner ends with its checkpoint."""
        if self.event is None:
            return f"{self.words}, the script"
        return f"the checkpoint at iteration {self.iteration:,}, or what went on from it,"


FROM_THE_START = Begun()
