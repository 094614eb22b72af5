"""What the training pane says of the faults to be seen at the position: its readings alone would look healthy."""

from __future__ import annotations

from rich.text import Text

from gradb.diagnosis.fault import Fault
from gradb.diagnosis.judged import Judged
from gradb.present.draw import theme
from gradb.present.draw.fields import wrapped

_SHOWN = 2


def fault_notes(judged: Judged | None, position: int, width: int) -> list[Text]:
    """Return a line for each of the first faults up to a position, and how many more there are."""
    if judged is None:
        return []
    faults = judged.until(position)
    lines = [line for fault in faults[:_SHOWN] for line in wrapped(_note(fault), width, theme.WARNING)]
    more = [f"{len(faults) - _SHOWN} more found here"] if len(faults) > _SHOWN else []
    later = judged.later(position)
    more += [f"{later} more later" if faults else f"{later} found later"] if later else []
    return lines + (wrapped(f"{', '.join(more)}: see findings (F)", width, theme.DIM) if more else [])


def _note(fault: Fault) -> str:
    where = "" if fault.finding.line is None else f" (line {fault.finding.line})"
    return f"! {fault.rule.code} {fault.rule.title}{where}"
