"""What a tool said of a case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """All that a tool said beyond what torch itself would have said."""

    sentences: tuple[str, ...] = ()
    """Its warnings and errors, a sentence each."""
    lines: tuple[int, ...] = ()
    """The lines of the script that it pointed to."""
    cannot: str = ""
    """Why it cannot be run on the case; empty where it was."""
