"""The graph pane: the grad_fn graph as a tree, with the state of every node.

A shared node is drawn once; where it is reached again the row says so. Of a large graph that modules made, what each
made is one line until it is opened (`gradb.frame.graph.listing`).
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.frame.graph.choice import Choice
from gradb.frame.graph.listing import Line, Listing
from gradb.frame.graph.view import GraphView
from gradb.present.draw import theme
from gradb.present.draw.fields import remark
from gradb.present.draw.safe import plain
from gradb.present.draw.viewport import window
from gradb.present.json.values import Json
from gradb.present.lines.tree import Marks, depth_for, graph_row, header_row, lanes_of
from gradb.present.options import Options

MAX_ROWS = 1000  # drawn where no height is given
_MAX_LISTED = 10_000  # rows in JSON


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the graph around the current (or selected) node."""
    graph = frame.graph
    if len(graph) == 0:
        return remark("no graph yet: nothing that requires grad has been computed", options.width)
    selected = options.selected_node
    footer = _expression(graph, selected if selected is not None else graph.current, options)
    height = MAX_ROWS if options.height is None else max(options.height - len(footer), 1)
    listing = listing_of(graph, options.graph.folds, selected)
    focus = _focus(graph, selected)
    first, last = window(len(listing), None if focus is None else listing.line_of(focus), height)
    shown = [listing.line(index) for index in range(first, last)]
    chosen = None if selected is None else graph.index_of(selected)
    lines = [draw_line(graph, line, options, is_selected=_is_row(line, chosen)) for line in shown]
    if options.height is None and last - first < len(listing):
        lines.append(Text(f"… lines {first + 1} to {last} of {len(listing)}", style=theme.DIM))
    return Group(*lines, *footer)


def _focus(graph: GraphView, selected: int | None) -> int | None:
    node = graph.current if selected is None else selected
    return None if node is None else graph.index_of(node)


def listing_of(graph: GraphView, choice: Choice, selected: int | None) -> Listing:
    """Return the lines of a graph: the current and the selected node are to be seen."""
    nodes = (graph.current, selected)
    seen = [row for node in nodes if node is not None and (row := graph.index_of(node)) is not None]
    return Listing(None if choice.mode == "none" else graph.folds(), len(graph), choice, seen)


def _is_row(line: Line, row: int | None) -> bool:
    return line.header is None and line.row == row


def draw_line(graph: GraphView, line: Line, options: Options, *, is_selected: bool) -> Text:
    """Return one line, a node's or a fold's, cut to the width."""
    row, depth = graph.row(line.row), depth_for(options.width)
    if line.header is None:
        marks = Marks(not row.is_reference and row.node == graph.current, is_selected)
        text = graph_row(row, graph.state(row.node), graph.shape(row.node), marks, depth)
    else:
        held = [graph.row(one) for one in line.header.holds]
        marks = Marks(any(one.node == graph.current for one in held), is_selected)
        lanes = lanes_of(graph, line.header, row)
        way = held[0].name if held else ""
        text = header_row(line.header, row, lanes, graph.nodes_of(line.header), marks, way, depth)
    text.truncate(options.width, overflow="ellipsis")
    return text


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
                "indent": row.indent,
                "state": graph.state(row.node),
                "shape": None if shape is None else list(shape),
                "reference": row.is_reference,
                "expression": graph.expression(index) or None,
            }
        )
    return {"current": graph.current, "rows": rows, "rows_in_all": len(graph)}
