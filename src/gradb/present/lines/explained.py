"""An explanation of an error, as lines: the rule and the fault in a sentence, how it came about, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from gradb.diagnosis.fault import single
from gradb.diagnosis.finding import Finding
from gradb.diagnosis.registry import RULES
from gradb.frame.reader import Tape
from gradb.present.draw import theme
from gradb.present.draw.fields import indented, wrapped
from gradb.present.draw.safe import plain
from gradb.present.lines.findings import INDENT, step_place

_MAX_TEXT = 500


def explained_text(tape: Tape, finding: Finding) -> str:
    """Return an explanation as plain lines, the first its sentence and the others set in."""
    (_, head), *rest = _parts(tape, finding)
    return "\n".join([head, *(f"{INDENT}{text}" for _, text in rest)])


def explained_lines(tape: Tape, finding: Finding, width: int) -> list[Text]:
    """Return an explanation as lines of at most a width."""
    (style, head), *rest = _parts(tape, finding)
    lines = wrapped(head, width, style)
    for style, text in rest:
        lines += [indented(line, width) for line in wrapped(text, width - len(INDENT), style)]
    return lines


def _parts(tape: Tape, finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield (style, text) of each line."""
    fault = single(tape, finding, RULES[finding.code])
    yield theme.WARNING, plain(f"{finding.code} {fault.rule.title}: {finding.message}", _MAX_TEXT)
    for step in fault.steps:
        yield theme.DIM, f"{step_place(step, tape.run)}: {plain(step.text, _MAX_TEXT)}"
    yield theme.LABEL, f"help: {plain(fault.advice, _MAX_TEXT)}"
