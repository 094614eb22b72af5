"""A finding: one fault of one run, with the facts that show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """An event that belongs to a finding: a position to jump to."""

    event: int
    """Its position on the tape."""
    text: str
    """What happened there, in a few words: ``exp saves its result``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one run."""

    code: str
    """Of the rule that found it."""
    event: int
    """Where it is first to be seen: a position on the tape. It is found from there on."""
    message: str
    """One sentence with the names, lines and numbers of this run, for a reader who knows torch and not gradb; without
    a full stop at its end."""
    file: str | None
    """Source file that the reader is to open, as on the tape; None where none is known."""
    line: int | None
    """The line in it, from 1."""
    steps: tuple[Step, ...] = ()
    """How it came about, in the order in which it is to be read."""
    tensors: tuple[str, ...] = ()
    """Names of the variables and parameters it is about."""
    advice: str = ""
    """What to do here, where more can be said than the rule's own advice says."""
