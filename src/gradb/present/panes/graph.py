"""The graph pane: the grad_fn graph as a tree, with the state of every node.

A shared node is drawn once; where it is reached again the row says so. A deep chain is not indented for ever: beyond a
few levels the guides are cut and the depth is said in figures.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.frame.graph.view import GraphRow, GraphView, NodeState
from gradb.present.draw import theme
from gradb.present.draw.fields import remark
from gradb.present.draw.numbers import shape_text
from gradb.present.draw.safe import plain
from gradb.present.draw.viewport import window
from gradb.present.json.values import Json
from gradb.present.options import Options

MAX_ROWS = 1000  # drawn where no height is given
_MAX_LISTED = 10_000  # rows in JSON
_NAME_LIMIT = 80


def graph_row(
    row: GraphRow,
    state: NodeState,
    shape: tuple[int, ...] | None,
    is_current: bool,
    is_selected: bool,
    max_depth: int = 10,
    indent: int = 3,
) -> Text:
    """Return one line: guides, state symbol, node name, variable and shape; ``▶`` leads the current node's."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("▶" if is_current else " ", theme.CURRENT)
    line.append("›" if is_selected else " ", theme.CURRENT)
    line.append(_guides(row, max_depth, indent), theme.DIM)
    line.append(f"{theme.STATE_SYMBOLS[state]} ", theme.STATE_STYLES[state])
    line.append(plain(row.name, _NAME_LIMIT), theme.NODE if is_current else theme.STATE_STYLES[state])
    if row.label:
        line.append("  ").append(plain(row.label, _NAME_LIMIT), theme.NAME)
    if shape is not None:
        line.append(f"  {shape_text(shape)}", theme.DIM)
    if row.is_reference:
        line.append("  ↑ drawn above", theme.DIM)
    if is_selected:
        line.stylize(theme.SELECTED)
    return line


def _guides(row: GraphRow, max_depth: int, indent: int) -> str:
    """Return the tree's lines in front of a row, ``indent`` cells a level; a root has none."""
    if row.depth == 0:
        return ""
    ancestors = row.guides[-(row.depth - 1) :] if row.depth > 1 else ()
    own = ("└" if row.is_last else "├") + ("─ " if indent > 2 else " ")
    lead = ""
    if row.depth > max_depth:
        lead, ancestors = f"{f'⋯{row.depth}':<9}", ancestors[-(max_depth - 3) :]
    return lead + "".join(("│" if goes_on else " ").ljust(indent) for goes_on in ancestors) + own


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the graph around the current (or selected) node."""
    graph = frame.graph
    if len(graph) == 0:
        return remark("no graph yet: nothing that requires grad has been computed", options.width)
    selected = options.selected_node
    footer = _expression(graph, selected if selected is not None else graph.current, options)
    height = MAX_ROWS if options.height is None else max(options.height - len(footer), 1)
    first, last = window(len(graph), _focus(graph, selected), height)
    rows = [_draw(graph, index, options) for index in range(first, last)]
    if options.height is None and last - first < len(graph):
        rows.append(Text(f"… rows {first + 1} to {last} of {len(graph)}", style=theme.DIM))
    return Group(*rows, *footer)


def _focus(graph: GraphView, selected: int | None) -> int | None:
    node = graph.current if selected is None else selected
    return None if node is None else graph.index_of(node)


def _draw(graph: GraphView, index: int, options: Options) -> Text:
    row = graph.row(index)
    is_here = not row.is_reference
    is_current = is_here and row.node == graph.current
    is_selected = is_here and row.node == options.selected_node
    line = graph_row(row, graph.state(row.node), graph.shape(row.node), is_current, is_selected)
    line.truncate(options.width, overflow="ellipsis")
    return line


def beginning(text: str, width: int) -> str:
    """Return as much of a text as can be seen of it in ``width`` cells, and more where there is more: to be cut."""
    return text[: width + 1] if text.isascii() else text


def _expression(graph: GraphView, node: int | None, options: Options) -> list[Text]:
    """Return the Python that reaches a node, as a footer."""
    index = None if node is None else graph.index_of(node)
    expression = "" if index is None else graph.expression(index)
    if not expression:
        return []
    line = Text("→ ", style=theme.DIM, no_wrap=True).append(beginning(plain(expression), options.width), theme.MATH)
    line.truncate(options.width, overflow="ellipsis")
    return [line]


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the rows of the tree, as many as are listed, and the current node."""
    graph = frame.graph
    rows = []
    for index in range(min(len(graph), _MAX_LISTED)):
        row = graph.row(index)
        shape = graph.shape(row.node)
        rows.append(
            {
                "node": row.node,
                "name": row.name,
                "label": row.label,
                "depth": row.depth,
                "state": graph.state(row.node),
                "shape": None if shape is None else list(shape),
                "reference": row.is_reference,
                "expression": graph.expression(index) or None,
            }
        )
    return {"current": graph.current, "rows": rows, "rows_in_all": len(graph)}
