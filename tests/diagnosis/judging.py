"""Records small trainings for real, in the tests' own process, and judges them by all rules."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gradb.diagnosis.finding import Finding
from gradb.diagnosis.judgement import Verdict, judge
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule
from tests.tracer.recording import record


def verdict(function: Callable[[], Any], rules: Iterable[DiagnosisRule] = tuple(RULES.values())) -> Verdict:
    """Record a function and judge it; what it warns of is let pass."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, tape = record(Path(folder, "run.tape"), function, probe="never")
        with tape:
            return judge(tape, rules)


def warnings_of(function: Callable[[], Any]) -> list[Finding]:
    """Return all that is found of a function but hints."""
    found = verdict(function)
    faults = [why for _, why in found.unjudged if "gradb failed" in why]
    assert not faults, faults
    return [finding for finding in found.findings if RULES[finding.code].severity == "warning"]


def codes(function: Callable[[], Any]) -> list[str]:
    """Return the codes of all warnings about a function, in the order of their events."""
    return [finding.code for finding in warnings_of(function)]
