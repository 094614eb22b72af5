"""A fault: the findings of one rule at one line as one thing to be told, with the places of all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gradb.diagnosis.finding import Finding
from gradb.diagnosis.rule import DiagnosisRule
from gradb.frame.reader import Tape


@dataclass(frozen=True, slots=True)
class StepAt:
    """An event that belongs to a finding, and where in the source it happened."""

    event: int
    text: str
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """All findings of one rule at one line."""

    rule: DiagnosisRule
    finding: Finding
    """The first of them."""
    steps: tuple[StepAt, ...]
    """Of the first."""
    iterations: tuple[int, int]
    """Of the first and of the last of them."""
    count: int = 1

    @property
    def advice(self) -> str:
        """What to do: here, where the finding says so, else as the rule does."""
        return self.finding.advice or self.rule.advice


def single(tape: Tape, finding: Finding, rule: DiagnosisRule) -> Fault:
    """Return the fault of one finding.

    Raises:
        TapeError: the tape is damaged.
    """
    iteration = tape.event(finding.event).iteration if finding.event else 1
    places = ((step, tape.event(step.event)) for step in finding.steps)
    steps = tuple(StepAt(step.event, step.text, at.file, at.line) for step, at in places)
    return Fault(rule, finding, steps, (iteration, iteration))


def folded(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Make one of the faults of one rule at one line; they are given in the order of their events."""
    found: dict[object, Fault] = {}
    for number, one in enumerate(faults):
        finding = one.finding
        key = (finding.code, finding.file, finding.line) if finding.line is not None else number
        known = found.get(key)
        if known is None:
            found[key] = one
        else:
            span = (known.iterations[0], one.iterations[1])
            found[key] = replace(known, count=known.count + one.count, iterations=span)
    return tuple(found.values())
