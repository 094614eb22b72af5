"""The findings pane: what is wrong with the training, as far as it is to be seen at the position.

Each finding and each of its steps is a row that leads to an event; later findings are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import remark, wrapped
from gradb.present.json.findings import fault_json
from gradb.present.json.values import Json
from gradb.present.lines.findings import headline, place_text, step_place, unjudged_text
from gradb.present.options import Options

if TYPE_CHECKING:
    from gradb.diagnosis.fault import Fault
    from gradb.diagnosis.judged import Judged

_NOT_YET = "nothing was judged yet"
_STYLES = {"error": theme.WARNING, "warning": theme.WARNING, "hint": theme.LABEL}
_HANG = "  "


@dataclass(frozen=True, slots=True)
class Row:
    """Lines that are about one event."""

    event: int | None
    """Where they lead to; None: nowhere."""
    lines: tuple[Text, ...]


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the findings up to the position, and what was judged."""
    if options.judged is None:
        return remark(_NOT_YET, options.width)
    found = rows(frame, options)
    selected = {index for index, row in enumerate(leading(found)) if index == options.row}
    lines: list[Text] = []
    number = -1
    for row in found:
        number += row.event is not None
        is_selected = row.event is not None and number in selected
        lines += [_marked(line) if is_selected else line for line in row.lines]
    return Group(*lines)


def leading(found: list[Row]) -> list[Row]:
    """Return the rows that lead to an event."""
    return [row for row in found if row.event is not None]


def _marked(line: Text) -> Text:
    marked = line.copy()
    marked.stylize(theme.SELECTED)
    return marked


def rows(frame: Frame, options: Options) -> list[Row]:
    """Return what is shown, row by row."""
    judged, width = options.judged, options.width
    if judged is None:
        return []
    faults = judged.until(frame.position)
    found = [row for fault in faults for row in _fault_rows(fault, frame, width)]
    if not faults:
        found.append(_told(_nothing(judged, frame), width, ""))
    if later := judged.later(frame.position):
        found.append(_told(f"{later} more later", width, theme.TITLE))
    return [*found, _told(judged_text(judged, frame), width, theme.DIM)]


def _fault_rows(fault: Fault, frame: Frame, width: int) -> list[Row]:
    style = _STYLES[fault.rule.severity]
    head = wrapped(f"{place_text(fault, frame.run)}: {headline(fault)}", width, style)
    steps = [_told(f"{_HANG}{step_place(step, frame.run)}: {step.text}", width, "", step.event) for step in fault.steps]
    return [Row(fault.finding.event, tuple(head)), *steps, _told(f"{_HANG}help: {fault.advice}", width, theme.DIM)]


def _told(text: str, width: int, style: str, event: int | None = None) -> Row:
    indent = text[: len(text) - len(text.lstrip())]
    lines = wrapped(text.lstrip(), width - len(indent), style)
    return Row(event, tuple(Text(indent, no_wrap=True).append_text(line) for line in lines))


def _nothing(judged: Judged, frame: Frame) -> str:
    if judged.is_unseen:
        return "nothing can be said: the run was only watched"
    is_far = judged.position >= frame.position
    return "nothing found up to here" if is_far else f"nothing found up to event {frame.called(judged.position, ',')}"


def judged_text(judged: Judged, frame: Frame) -> str:
    """Say what was judged, how far, and what could not be."""
    far = (
        f" up to #{frame.called(judged.position, ',')} of {frame.called(frame.head, ',')}"
        if judged.position < frame.head
        else ""
    )
    line = f"{counted(len(judged.judged), 'rule')} judged{far}"
    if judged.unjudged:
        line += f", {len(judged.unjudged)} not: {unjudged_text(judged.unjudged)}"
    line += f"; {judged.suppressed} let be by a comment" if judged.suppressed else ""
    return line + (f"; {counted(judged.hints_off, 'hint')} off (`hints`)" if judged.hints_off else "")


def to_json(frame: Frame, options: Options) -> Json:
    """Return the findings up to the position."""
    judged = options.judged
    if judged is None:
        return {"findings": None, "later": None, "judged_to": 0, "suppressed": 0, "judged": [], "not_judged": []}
    return {
        "findings": [fault_json(fault, frame.run) for fault in judged.until(frame.position)],
        "later": judged.later(frame.position),
        "judged_to": judged.position,
        "suppressed": judged.suppressed,
        "judged": list(judged.judged),
        "not_judged": [{"code": code, "why": why} for code, why in judged.unjudged],
    }
