"""An explanation of an error, as lines: the rule and the fault in a sentence, how it came about, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from gradb.diagnosis.fault import Fault, StepAt, single
from gradb.diagnosis.finding import Finding
from gradb.diagnosis.registry import RULES
from gradb.frame.frame import RunInfo
from gradb.frame.reader import Tape
from gradb.present.draw import theme
from gradb.present.draw.fields import indented, wrapped
from gradb.present.draw.safe import plain
from gradb.present.lines.findings import INDENT, step_place

_MAX_TEXT = 500


def explained_text(tape: Tape, finding: Finding) -> str:
    """Return an explanation as plain lines, the first its sentence and the others set in."""
    (_, head), *rest = _parts(_fault(tape, finding), tape.run)
    return "\n".join([head, *(f"{INDENT}{text}" for _, text in rest)])


def fault_lines(fault: Fault, run: RunInfo, width: int) -> list[Text]:
    """Return the explanation of an error, with the places of all that belongs to it, as lines of at most a width."""
    (style, head), *rest = _parts(fault, run)
    lines = wrapped(head, width, style)
    for style, text in rest:
        lines += [indented(line, width) for line in wrapped(text, width - len(INDENT), style)]
    return lines


def explained_rows(fault: Fault, run: RunInfo) -> list[tuple[int, Text]]:
    """Return (event to jump to, line) of each event that belongs to an error."""
    return [(step.event, Text(_step(step, run), no_wrap=True)) for step in fault.steps]


def headline(fault: Fault) -> str:
    """Return the fault in a sentence."""
    return plain(f"{fault.rule.code} {fault.rule.title}: {fault.finding.message}", _MAX_TEXT)


def help_line(fault: Fault) -> str:
    """Return what to do."""
    return f"help: {plain(fault.advice, _MAX_TEXT)}"


def _fault(tape: Tape, finding: Finding) -> Fault:
    return single(tape, finding, RULES[finding.code])


def _step(step: StepAt, run: RunInfo) -> str:
    return f"{step_place(step, run)}: {plain(step.text, _MAX_TEXT)}"


def _parts(fault: Fault, run: RunInfo) -> Iterator[tuple[str, str]]:
    """Yield (style, text) of each line."""
    yield theme.WARNING, headline(fault)
    for step in fault.steps:
        yield theme.DIM, _step(step, run)
    yield theme.LABEL, help_line(fault)
