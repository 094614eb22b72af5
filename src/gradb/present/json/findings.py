"""Findings and rules as JSON: the contract of docs/json.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradb.frame.frame import RunInfo
from gradb.present.draw.files import relative
from gradb.present.json.values import Json

if TYPE_CHECKING:
    from gradb.diagnosis.fault import Fault, StepAt
    from gradb.diagnosis.report import Report
    from gradb.diagnosis.rule import DiagnosisRule


def report_json(report: Report, run: RunInfo) -> Json:
    """Return a report."""
    stretch = report.stretch
    return {
        "findings": [fault_json(fault, run) for fault in report.faults],
        "suppressed": report.suppressed,
        "judged": list(report.judged),
        "not_judged": [{"code": code, "why": why} for code, why in report.unjudged],
        "iterations": stretch.iterations,
        "watched": None if stretch.watched is None else list(stretch.watched),
        "only_watched": stretch.is_unseen,
        "ended": stretch.is_ended,
        "error": _error_json(report),
        "failure": report.failure or None,
    }


def _error_json(report: Report) -> Json | None:
    if report.uncaught is None:
        return None
    event, detail = report.uncaught.event, report.uncaught.detail
    return {
        "event": event,
        "type": detail.type,
        "message": detail.message,
        "explained": report.uncaught.is_explained,
    }


def fault_json(fault: Fault, run: RunInfo) -> Json:
    """Return all findings of one rule at one line."""
    finding, rule = fault.finding, fault.rule
    return {
        "code": rule.code,
        "severity": rule.severity,
        "title": rule.title,
        "message": finding.message,
        "advice": fault.advice,
        "threshold": rule.threshold or None,
        "file": relative(finding.file, run),
        "line": finding.line,
        "event": finding.event,
        "count": fault.count,
        "iterations": list(fault.iterations),
        "tensors": list(finding.tensors),
        "steps": [_step_json(step, run) for step in fault.steps],
    }


def _step_json(step: StepAt, run: RunInfo) -> Json:
    return {"event": step.event, "file": relative(step.file, run), "line": step.line, "text": step.text}


def rule_json(rule: DiagnosisRule) -> Json:
    """Return a rule."""
    return {
        "code": rule.code,
        "severity": rule.severity,
        "title": rule.title,
        "meaning": rule.meaning,
        "advice": rule.advice,
        "threshold": rule.threshold or None,
    }
