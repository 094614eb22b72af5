"""Judges the tape of a case by ``gradb.diagnosis``, and says what it found as plain data."""

from __future__ import annotations

from typing import Any

from gradb.diagnosis.judgement import judge
from gradb.diagnosis.registry import RULES
from gradb.frame.reader import Tape

_FAILED = ("the tape is damaged", "gradb failed")


def judge_tape(path: str) -> tuple[list[dict[str, Any]], str]:
    """Return the findings about a tape, each as the fields of a ``Found``, and which rules failed at it."""
    tape = Tape.open(path)
    try:
        verdict = judge(tape, RULES.values())
    finally:
        tape.close()
    failed = [f"{code}: {why}" for code, why in verdict.unjudged if why.startswith(_FAILED)]
    findings = [
        {"code": one.code, "severity": RULES[one.code].severity, "line": one.line, "text": one.message}
        for one in verdict.findings
    ]
    return findings, "; ".join(failed)
