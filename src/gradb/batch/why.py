"""Why, without a screen: where a NaN was born, or what an error means, as text or JSON."""

from __future__ import annotations

from rich.console import Group

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.diagnosis.fault import Fault
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.frame.frame import RunInfo
from gradb.present.draw.text import to_text
from gradb.present.json.findings import fault_json
from gradb.present.json.positions import tape_json
from gradb.present.json.why import why_json
from gradb.present.lines.explained import fault_lines
from gradb.present.lines.why import drawn


def why_text(found: Explanation | Nothing, style: Style) -> str:
    """Return what was found of a birth as text that ends with a line end."""
    if style.is_json:
        return line(why_json(found)) + "\n"
    return to_text(drawn(found, max(style.width, 20)), style.width, is_coloured=style.is_coloured)


def error_text(fault: Fault, run: RunInfo, style: Style) -> str:
    """Return the explanation of an error as text that ends with a line end."""
    if style.is_json:
        return line({"explanation": fault_json(fault, run), **tape_json(run.called)}) + "\n"
    picture = Group(*fault_lines(fault, run, max(style.width, 20)))
    return to_text(picture, style.width, is_coloured=style.is_coloured)
