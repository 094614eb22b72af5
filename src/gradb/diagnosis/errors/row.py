"""A row of the table of errors: the rule, and what looks at the scene of an error and explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding
from gradb.diagnosis.rule import DiagnosisRule
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.event import Event

Explain = Callable[[Scene], Finding | None]
"""Explains an error; None where it is another one."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A kind of error that can be explained."""

    rule: DiagnosisRule
    explain: Explain


class ErrorJudge:
    """Finds the errors of one kind that ended the script: what it caught is none of its faults."""

    def __init__(self, evidence: Evidence, explain: Explain) -> None:
        self._tape, self._explain = evidence.tape, explain
        self._found: Finding | None = None

    def see(self, event: Event) -> None:
        """Take in an error."""
        detail = self._tape.detail(event.seq)
        scene = Scene.of(self._tape, event) if isinstance(detail, ErrorDetail) and detail.is_uncaught else None
        if scene is not None:
            self._found = self._explain(scene)

    def findings(self) -> Iterable[Finding]:
        """Return the error that ended the script, if it is of this kind."""
        return () if self._found is None else (self._found,)


def row(code: str, title: str, *, meaning: str, advice: str, explain: Explain) -> ErrorRow:
    """Return a row of the table."""

    def judge(evidence: Evidence) -> ErrorJudge:
        return ErrorJudge(evidence, explain)

    rule = DiagnosisRule(code, title, "error", meaning, advice, frozenset({"error"}), judge)
    return ErrorRow(rule, explain)
