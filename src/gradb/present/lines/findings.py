"""Findings in words: each as a line that begins with its place, as linters print it, and what is to be known of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gradb.algebra.figures import counted
from gradb.frame.frame import RunInfo
from gradb.present.draw.files import relative
from gradb.present.draw.safe import plain
from gradb.tape.cutting import first_line

if TYPE_CHECKING:
    from gradb.diagnosis.fault import Fault, StepAt
    from gradb.diagnosis.report import Report, Stretch
    from gradb.diagnosis.selection import Selection

INDENT = "    "
_MAX_STEPS = 12
_MAX_MESSAGE = 200


def fault_lines(fault: Fault, run: RunInfo) -> list[str]:
    """Return a fault as its line, how it came about, and what to do."""
    steps = [f"{INDENT}{step_place(step, run)}: {plain(step.text)}" for step in fault.steps[:_MAX_STEPS]]
    more = len(fault.steps) - _MAX_STEPS
    left = [f"{INDENT}… {more} more in --json"] if more > 0 else []
    return [f"{place_text(fault, run)}: {headline(fault)}", *steps, *left, f"{INDENT}help: {plain(fault.advice)}"]


def place_text(fault: Fault, run: RunInfo) -> str:
    """Return ``train.py:31``; where no line is known the file, or the script."""
    finding = fault.finding
    file = plain(relative(finding.file, run) or run.script or "?")
    return file if finding.line is None else f"{file}:{finding.line}"


def headline(fault: Fault) -> str:
    """Return code and message of a fault, and how often it was found."""
    rule = fault.rule
    kind = "" if rule.severity == "warning" else f"{rule.severity}: "
    limit = f" [{rule.threshold}]" if rule.threshold else ""
    return f"{rule.code} {kind}{plain(fault.finding.message)}{limit}{repeated(fault)}"


def repeated(fault: Fault) -> str:
    """Say how often a fault was found, where that was more than once."""
    if fault.count == 1:
        return ""
    first, last = fault.iterations
    where = f"in iteration {first:,}" if first == last else f"in iterations {first:,} to {last:,}"
    return f" ({fault.count:,} times, {where})"


def step_place(step: StepAt, run: RunInfo) -> str:
    """Return place and number of an event that belongs to a finding: ``train.py:14, event 12``."""
    file = relative(step.file, run)
    where = "" if file is None or step.line is None else f"{plain(file)}:{step.line}, "
    return f"{where}event {run.called(step.event, ',')}"


# --- the end of a report ----------------------------------------------------------------------------------------------


def closing_lines(report: Report, selection: Selection) -> list[str]:
    """Return the lines that end a report: what was found in how much of the run, and what was judged."""
    return [*_error_lines(report), _count_line(report), _judged_line(report, selection)]


def _error_lines(report: Report) -> list[str]:
    if report.uncaught is not None and not report.uncaught.is_explained:
        detail = report.uncaught.detail
        said = plain(first_line(f"{detail.type}: {detail.message}", _MAX_MESSAGE))
        return [f"the script ended with an error that no rule explains: {said}"]
    if report.failure:
        return [f"the script did not end well ({report.failure}): what would have followed was not judged"]
    return []


def _count_line(report: Report) -> str:
    count = sum(fault.count for fault in report.faults)
    found = counted(count, "finding") if count else "nothing found"
    if report.stretch.is_untrained and not count:
        found = "nothing to judge"
    if report.stretch.is_unseen:
        found = "nothing can be said"
    let_be = f", {report.suppressed:,} more let be by a comment" if report.suppressed else ""
    return f"{found}{let_be} {_stretch_text(report.stretch)}"


def _stretch_text(stretch: Stretch) -> str:
    count = stretch.iterations
    if stretch.is_unseen:
        return (
            f"of {counted(count, 'iteration')}: they were only watched" if count else "of this run: it was only watched"
        )
    if not count:
        return "in a run without an optimizer step or a loss"
    where = f"in {counted(count, 'iteration')}"
    if stretch.is_ended:
        return f"{where}; the run was ended after {'it' if count == 1 else 'them'} (--steps N or all goes on)"
    if stretch.watched is None:
        return where
    first, last = stretch.watched
    return f"{where}, of which {first:,} to {last:,} were only watched"


def _judged_line(report: Report, selection: Selection) -> str:
    line = f"{counted(len(report.judged), 'rule')} judged"
    if report.unjudged:
        line += f", {len(report.unjudged)} not: {unjudged_text(report.unjudged)}"
    hints = selection.hints_off()
    return line + (f"; {counted(hints, 'hint')} off (--hints)" if hints else "")


def unjudged_text(unjudged: Sequence[tuple[str, str]]) -> str:
    """Return why some rules could not judge, those with one reason together: ``nothing steps (G001, G004)``."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for code, why in unjudged:
        reasons[why].append(code)
    return "; ".join(f"{plain(why)} ({', '.join(codes)})" for why, codes in reasons.items())
