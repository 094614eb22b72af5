"""What was found in the graph, without a screen: text or JSON."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.debugger.seeking import Found
from gradb.present.draw import theme
from gradb.present.draw.fields import cut
from gradb.present.draw.numbers import shape_text
from gradb.present.draw.safe import plain
from gradb.present.draw.text import to_text
from gradb.present.json.positions import position_json
from gradb.present.json.values import Json

_MOST = 1000  # nodes that are printed


def found_text(found: Found, style: Style) -> str:
    """Return what was found as text that ends with a line end: a node a line, with the Python that reaches it."""
    if style.is_json:
        nodes = [_json(found, row) for row in found.rows[:_MOST]]
        head: Json = {
            "find": found.text,
            **position_json(found.called, found.position),
            "nodes_in_all": len(found.rows),
        }
        return line({**head, "nodes": nodes}) + "\n"
    lines = [cut(_line(found, row), max(style.width, 20)) for row in found.rows[:_MOST]]
    if len(found.rows) > _MOST:
        lines.append(Text(f"... {_MOST:,} of {len(found.rows):,}", theme.DIM))
    return to_text(Group(_heading(found), *lines), style.width, is_coloured=style.is_coloured)


def _heading(found: Found) -> Text:
    count = len(found.rows)
    nodes = "no node fits" if not count else "1 node fits" if count == 1 else f"{count:,} nodes fit"
    return Text(f"{nodes} {plain(found.text)}", "bold")


def _line(found: Found, at: int) -> Text:
    row, shape = found.graph.row(at), found.graph.shape(found.graph.row(at).node)
    text = Text(f"  {theme.STATE_SYMBOLS[found.graph.state(row.node)]} {plain(row.name)}", no_wrap=True)
    if row.label:
        text.append(f"  {plain(row.label)}", theme.NAME)
    if shape is not None:
        text.append(f"  {shape_text(shape)}", theme.DIM)
    expression = found.graph.expression(at)
    return text.append(f"  {plain(expression)}", theme.MATH) if expression else text


def _json(found: Found, at: int) -> Json:
    row, shape = found.graph.row(at), found.graph.shape(found.graph.row(at).node)
    return {
        "node": row.node,
        "name": row.name,
        "label": row.label,
        "state": found.graph.state(row.node),
        "shape": None if shape is None else list(shape),
        "expression": found.graph.expression(at) or None,
    }
