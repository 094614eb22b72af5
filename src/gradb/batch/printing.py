"""What an expression comes to, without a screen: text or JSON."""

from __future__ import annotations

from rich.console import Group

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.debugger.printing import Printed
from gradb.present.draw.text import to_text
from gradb.present.json.operands import found_json
from gradb.present.lines.operand import printed_lines


def printed_text(printed: Printed, style: Style) -> str:
    """Return what was printed as text that ends with a line end."""
    if style.is_json:
        return line({"print": printed.text, "position": printed.position, **found_json(printed.found)}) + "\n"
    picture = Group(*printed_lines(printed.text, printed.found, max(style.width, 20)))
    return to_text(picture, style.width, is_coloured=style.is_coloured)
