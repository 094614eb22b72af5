"""The verdicts as a table, and as the closing lines of the command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.gallery.running import Found
from tests.gallery.verdict import Verdict


def row(verdict: Verdict) -> str:
    """Return a line about one case: expected, found, and whether the line is right."""
    case = verdict.case
    expected = " ".join((*case.findings, *case.hints)) or "none"
    found = " ".join((*verdict.caught, *(one.code for one in verdict.false))) or "none"
    mark = "ok" if verdict.is_right else "WRONG"
    return f"{case.name:<44} {expected:<10} {found:<16} {_place(verdict):<24} {mark}"


def _place(verdict: Verdict) -> str:
    case = verdict.case
    if not (case.lines and verdict.caught):
        return "-"
    if not verdict.wrong_line:
        return "line right"
    there = ", ".join(str(one.line) for one in verdict.wrong_line)
    return f"line {there}, not {' or '.join(map(str, case.lines))}"


def complaints(verdict: Verdict) -> list[str]:
    """Return what is wrong with a case, a line each."""
    said = [f"missed {code}" for code in verdict.missed]
    said += [f"false alarm: {_finding(one)}" for one in verdict.false]
    said += [f"wrong line: {_finding(one)}" for one in verdict.wrong_line]
    return [*said, *verdict.failures]


def _finding(one: Found) -> str:
    return f"{one.line}: {one.code} {one.text}"


def closing(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a line for each code and one in total: caught, missed, false alarms, wrong lines."""
    caught = Counter(code for one in verdicts for code in one.caught)
    missed = Counter(code for one in verdicts for code in one.missed)
    false = Counter(found.code for one in verdicts for found in one.false)
    wrong = Counter(one.wrong_line[0].code for one in verdicts if one.wrong_line)
    codes = sorted({*caught, *missed, *false})
    lines = [_summary(code, *(counts[code] for counts in (caught, missed, false, wrong))) for code in codes]
    lines.append(_summary("total", *(counts.total() for counts in (caught, missed, false, wrong))))
    failed = sum(bool(one.failures) for one in verdicts)
    hints = sum(len(one.other_hints) for one in verdicts)
    return [*lines, f"{len(verdicts)} cases, {failed} failed, {hints} hints that no case asks for"]


def _summary(name: str, caught: int, missed: int, false: int, wrong: int) -> str:
    counts = f"missed {missed}, false alarms {false}, wrong lines {wrong}"
    return f"{name:<6} caught {caught} of {caught + missed}, {counts}"
