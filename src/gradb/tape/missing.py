"""What could not be recorded: the gaps of a tape, and what of its values may have changed unseen by them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

GapRow = tuple[int, str, str, str]
"""A row of the ``missing`` table: event, part, why, and what it may hide."""
RECORDING = "recording"
"""The part of a gap from which on nothing is recorded at all."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing at one event."""

    event: int
    """The event it is missing from; a note stands in the place of an event that is lost."""
    part: str
    """``names``, ``values`` ..., what the event would have been, or ``recording``."""
    why: str
    hides: frozenset[str]
    """What may have changed unseen by it: ``values``, ``gradients``."""

    @property
    def text(self) -> str:
        """Say what is missing, and why."""
        return f"not recorded (event {self.event:,}: {self.part}, {self.why})"

    @property
    def doubt(self) -> str:
        """Say of a value from before the gap that it is not known any more."""
        if self.part == RECORDING:
            return f"not known since event {self.event:,}: the recording ended"
        return f"not known since event {self.event:,}: {self.part} was not recorded"


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of failure of gradb's own, and how often it was met."""

    part: str
    """What is missing."""
    why: str
    is_event: bool
    """True when whole events are lost, False when a part of them is missing."""
    count: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The recording ended before the script."""

    event: int
    """The last event on the tape."""
    why: str
    is_sure: bool = True
    """False where it may be all there was: the script was killed, perhaps in the middle of something."""

    @property
    def text(self) -> str:
        """What is to be known of everything past that event."""
        if not self.is_sure:
            return f"what came after event {self.event:,} may be missing: {self.why}"
        return f"not recorded since event {self.event:,}: {self.why}"


def read_failures(text: str | None) -> tuple[Failure, ...]:
    """Read the fact ``failures`` of a run; what is damaged says nothing."""
    rows = _loads(text)
    return tuple(
        Failure(row[0], row[1], row[2], row[3])
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, list) and [type(item) for item in row] == [str, str, bool, int]
    )


def read_faults(text: str | None) -> dict[str, str]:
    """Read the fact ``faults`` of a run: by condition of a breakpoint why it made no sense of the values it met."""
    found = _loads(text)
    return {one: why for one, why in found.items() if isinstance(why, str)} if isinstance(found, dict) else {}


def read_stopped(text: str | None) -> Stopped | None:
    """Read the fact ``stopped`` of a run; None where it was recorded to its end."""
    found = _loads(text)
    if isinstance(found, list) and [type(item) for item in found] == [int, str]:
        return Stopped(found[0], found[1])
    return None


def _loads(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None
