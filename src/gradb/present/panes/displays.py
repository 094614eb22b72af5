"""The displays pane: what the user's expressions come to at the position, and what they came to one stop before.

A mark says which of them has changed. What has no value says why in the place of it.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.displayed import Found, Row
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, cut, indented, remark, wrapped
from gradb.present.draw.safe import plain
from gradb.present.json.operands import row_json
from gradb.present.json.values import Json
from gradb.present.lines.operand import found_line, kind_text
from gradb.present.options import Options
from gradb.tape.expressions.operands import Unkept

CHANGED, PERHAPS = "*", "?"
"""Stand before the number of an expression that is another value than one stop before, and of one of which that is not
known."""
_NOTHING = "nothing is displayed: `display EXPR` shows an expression at every stop, e.g. display norm(upstream)"
_MOST_TEXT = 400


def render(frame: Frame, options: Options) -> RenderableType:
    """Return each expression with its value, and below it the value before where that may be another."""
    width = options.width
    if not options.displayed:
        return remark(_NOTHING, width)
    return Group(*(line for row in options.displayed for line in _row(row, width)))


def _row(row: Row, width: int) -> list[Text]:
    lines = _now(row, width)
    if row.origin and lines[-1].cell_len + 2 + len(origin := plain(row.origin)) <= width:
        lines[-1].append(f"  {origin}", theme.DIM)
    elif row.origin:
        lines += _reason(row.origin, width)
    if row.before is not None and (row.has_changed or _is_doubtful(row)):
        lines += _before(row.before, width)
    return lines


def _is_doubtful(row: Row) -> bool:
    """Tell whether there is a value, of which it is not known whether it has changed."""
    return row.has_changed is None and row.before is not None and not _lack(row.now)


def _lack(found: Found) -> str:
    """Return why there is nothing to be shown of a value; empty where there is."""
    is_unknown = isinstance(found.value, Unkept) and found.value.stats is None
    return found.value.why if is_unknown else found.why


def _now(row: Row, width: int) -> list[Text]:
    """Return the value beside the expression where there is room for both, else below it."""
    head = _head(row)
    if why := _lack(row.now):
        return [cut(_with_kind(head, kind_text(row.now.value), width), width), *_reason(why, width)]
    value, kind = found_line(row.now, _wide(width)), kind_text(row.now.value)
    beside = head.copy().append(" = ").append_text(value)
    if beside.cell_len <= width and "…" not in value.plain:
        return [_with_kind(beside, kind, width)]
    return [cut(_with_kind(head, kind, width), width), indented(value, width)]


def _head(row: Row) -> Text:
    mark = CHANGED if row.has_changed else PERHAPS if _is_doubtful(row) else " "
    line = Text(mark, style=theme.CHANGED, no_wrap=True).append(f" {row.number} ", theme.DIM)
    return line.append(plain(row.text, _MOST_TEXT), theme.NAME)


def _with_kind(line: Text, kind: str, width: int) -> Text:
    """Return a line with shape and dtype behind it, if they are not there yet and there is room."""
    is_told = not kind or kind.rpartition(" ")[0] in line.plain
    return line if is_told or line.cell_len + 2 + len(kind) > width else line.append(f"  {kind}", theme.DIM)


def _before(before: Found, width: int) -> list[Text]:
    if why := _lack(before):
        return _reason(f"before: {why}", width)
    line = Text("before ", style=theme.DIM, no_wrap=True)
    return [indented(line.append_text(found_line(before, _wide(width) - line.cell_len)), width)]


def _reason(text: str, width: int) -> list[Text]:
    return [indented(line, width) for line in wrapped(text, _wide(width), theme.DIM)]


def _wide(width: int) -> int:
    return max(width - len(INDENT), 8)


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return each expression, what it comes to, what it came to one stop before, and whether that is another value."""
    return {"displays": [row_json(row) for row in options.displayed]}
