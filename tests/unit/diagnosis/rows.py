"""Rules made for tests: each finds events of one kind, or refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule, Judge, NotJudgedError, Severity
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Kind


class Seen:
    """Finds every event of a kind."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._events: list[Event] = []

    def see(self, event: Event) -> None:
        """Take it in."""
        self._events.append(event)

    def findings(self) -> Iterable[Finding]:
        """Return one each."""
        for one in self._events:
            steps = (Step(one.seq, "this is it"),)
            yield Finding(self._code, one.seq, f"{one.name} is there", one.file, one.line, steps, (one.name,))


class Refusing(Seen):
    """Cannot tell."""

    def findings(self) -> Iterable[Finding]:
        """Refuse."""
        raise NotJudgedError("it takes two to tell")


def rule(
    code: str, kind: Kind, severity: Severity = "warning", *, threshold: str = "", refuses: bool = False
) -> DiagnosisRule:
    """Make a rule that finds every event of a kind."""

    def judge(evidence: Evidence) -> Judge:
        return Refusing(code) if refuses else Seen(code)

    title, advice = f"{kind} is there", "Take it away."
    return DiagnosisRule(code, title, severity, "It matters.", advice, frozenset({kind}), judge, threshold)


TABLE = {
    one.code: one
    for one in (
        rule("G901", "accumulate"),
        rule("G902", "zero_grad"),
        rule("G903", "step", refuses=True),
        rule("G951", "step", "hint", threshold="more than 0 steps"),
        rule("G991", "error", "error"),
    )
}


@contextmanager
def alone(*codes: str) -> Iterator[None]:
    """Have these be all the rules there are, or some of these; afterwards the table is as it was, in its order."""
    before = dict(RULES)
    RULES.clear()
    RULES.update({code: TABLE[code] for code in codes or TABLE})
    try:
        yield
    finally:
        RULES.clear()
        RULES.update(before)
