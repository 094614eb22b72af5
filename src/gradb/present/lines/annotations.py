"""Findings as workflow commands of GitHub Actions, which shows them at their lines in a pull request."""

from __future__ import annotations

from gradb.diagnosis.fault import Fault
from gradb.frame.frame import RunInfo
from gradb.present.draw.files import relative
from gradb.present.lines.findings import headline

_LEVELS = {"error": "error", "warning": "warning", "hint": "notice"}


def annotation(fault: Fault, run: RunInfo) -> str:
    """Return the command for a fault, one line."""
    finding, rule = fault.finding, fault.rule
    properties = {
        "title": f"{rule.code} {rule.title}",
        "file": relative(finding.file, run),
        "line": None if finding.line is None else str(finding.line),
    }
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value is not None)
    text = _data(f"{headline(fault)}\n{fault.advice}")
    return f"::{_LEVELS[rule.severity]} {given}::{text}"


def _data(text: str) -> str:
    """Escape what would end the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape what would end a property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
