"""What is known of the faults of a run that may go on: all that were found so far, seen from any position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradb.diagnosis.fault import Fault, folded, single
from gradb.diagnosis.ignores import Ignores
from gradb.diagnosis.judgement import Verdict
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.uncaught import uncaught
from gradb.frame.reader import Tape


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found on a tape, as far as it was judged."""

    position: int
    """The last event judged."""
    found: tuple[Fault, ...]
    """One a finding, in the order of their events."""
    suppressed: int
    """Findings that a comment in the source has let be."""
    judged: tuple[str, ...]
    unjudged: tuple[tuple[str, str], ...]
    """As in ``Verdict``."""
    is_unseen: bool
    hints_off: int = 0
    """Hints that are not judged because nobody has asked for them."""

    def until(self, position: int) -> tuple[Fault, ...]:
        """Return what is found up to a position, the findings of one rule at one line as one."""
        return folded(one for one in self.found if one.finding.event <= position)

    def later(self, position: int) -> int:
        """Return how many rules and lines there are of which the first finding comes after a position."""
        return len(folded(self.found)) - len(self.until(position))


def judged_of(
    tape: Tape, verdict: Verdict, table: Mapping[str, DiagnosisRule] = RULES, *, hints_off: int = 0
) -> Judged:
    """Return what was found; an error that was raised is a fault until the run is over and has survived it.

    Raises:
        TapeError: the tape is damaged.
    """
    raised, ignores, is_over = uncaught(tape), Ignores.of(tape), tape.is_finished
    found = [
        one
        for one in verdict.findings
        if table[one.code].severity != "error" or not is_over or (raised is not None and raised.is_behind(one, tape))
    ]
    kept = [one for one in found if not ignores.covers(one)]
    return Judged(
        position=verdict.position,
        found=tuple(single(tape, one, table[one.code]) for one in kept),
        suppressed=len(found) - len(kept),
        judged=verdict.judged,
        unjudged=verdict.unjudged,
        is_unseen=verdict.is_unseen,
        hints_off=hints_off,
    )
