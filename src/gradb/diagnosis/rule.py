"""A diagnosis rule: what it looks for, what that means and what to do; and the judge that looks for it on one tape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Kind

Severity = Literal["error", "warning", "hint"]
"""error: explains what the script raised; warning: provable from the tape; hint: depends on what was meant."""


class NotJudgedError(Exception):
    """A judge cannot say whether there is a fault on this tape; its text says why, as the end of a sentence."""


class Judge(Protocol):
    """Looks for the faults of one rule on one tape, from its first event to its last.

    It is shown each event once, in order, so that a tape that grows is judged as it does; what it keeps does not grow
    with the iterations.
    """

    def see(self, event: Event) -> None:
        """Take in an event of one of the rule's kinds."""
        ...

    def findings(self) -> Iterable[Finding]:
        """Return what is found by now.

        Raises:
            NotJudgedError: it cannot be told.
        """
        ...


@dataclass(frozen=True, slots=True)
class DiagnosisRule:
    """A row of the table of rules."""

    code: str
    """``G004``: never used for another fault again."""
    title: str
    """The fault in a few words, as the end of a line: ``zero_grad is never called``."""
    severity: Severity
    meaning: str
    """What torch does then and why that is no training that anybody wants; a few sentences."""
    advice: str
    """What to do; one or two sentences."""
    kinds: frozenset[Kind]
    """Kinds of events that its judge is shown."""
    judge: Callable[[Evidence], Judge]
    """Makes the judge of one tape."""
    threshold: str = ""
    """Of a hint: the limit beyond which it speaks, as text."""
