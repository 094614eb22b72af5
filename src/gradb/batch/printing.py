"""What an expression comes to, without a screen: text or JSON."""

from __future__ import annotations

from dataclasses import asdict, replace

from rich.console import Group

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.debugger.printing import Printed
from gradb.frame.frame import PrintedAt
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, indented, wrapped
from gradb.present.draw.text import to_text
from gradb.present.json.events import print_json
from gradb.present.json.operands import found_json
from gradb.present.json.positions import position_json
from gradb.present.lines.operand import printed_lines
from gradb.present.lines.printed import print_lines


def printed_text(printed: Printed, style: Style) -> str:
    """Return what was printed as text that ends with a line end."""
    if style.is_json:
        sources = [asdict(replace(one, called="")) for one in printed.sources]
        for one in sources:
            del one["called"]
        origin = {"sources": sources, "note": printed.note or None}
        found = found_json(printed.found)
        return (
            line({"print": printed.text, **position_json(printed.called, printed.position), **found, **origin}) + "\n"
        )
    width = max(style.width, 20)
    origin_lines = [indented(one, width) for one in wrapped(printed.origin, width - len(INDENT), theme.DIM)]
    picture = Group(*printed_lines(printed.text, printed.found, width), *(origin_lines if printed.origin else ()))
    return to_text(picture, style.width, is_coloured=style.is_coloured)


def answered_text(answer: PrintedAt, style: Style) -> str:
    """Return what the script has evaluated as text that ends with a line end."""
    if style.is_json:
        detail = answer.detail
        return line({"print": detail.expression, "position": answer.event, "script": print_json(detail)}) + "\n"
    picture = Group(*print_lines(answer.detail, max(style.width, 20)))
    return to_text(picture, style.width, is_coloured=style.is_coloured)
