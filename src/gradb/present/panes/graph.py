"""The graph pane: the grad_fn graph as a tree, with the state of every node.

A shared node is drawn once; where it is reached again the row says so. Of a large graph that modules made, what each
made is one line until it is opened (`gradb.frame.graph.listing`).
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.frame.graph.choice import Choice
from gradb.frame.graph.flows import Measure
from gradb.frame.graph.listing import Line, Listing
from gradb.frame.graph.view import GraphView
from gradb.present.draw import theme
from gradb.present.draw.fields import remark
from gradb.present.draw.safe import plain
from gradb.present.draw.viewport import window
from gradb.present.json.values import Json, number_json
from gradb.present.lines.flow import bar_cells, flow_text, range_text, range_words, room
from gradb.present.lines.tree import Marks, depth_for, graph_row, header_row, lanes_of
from gradb.present.lines.unseen import none_yet
from gradb.present.options import Options

MAX_ROWS = 1000  # drawn where no height is given
_MAX_RANGE = 20_000  # rows of a fold whose gradients are looked at for a range
_MAX_LISTED = 10_000  # rows in JSON
_LINKS, _SHARE = 2, 5  # lines that say how a node is linked, and of the lines of a pane one in so many at most
_NONE_YET = "no graph yet: nothing that requires grad has been computed"


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the graph around the current (or selected) node."""
    graph = frame.graph
    if len(graph) == 0:
        return remark(none_yet(_NONE_YET, frame.training), options.width)
    selected = options.selected_node
    focus = _focus(graph, selected)
    if options.graph.measure is not None:
        graph.flows().read()
    listing = listing_of(graph, options.graph.folds, selected)
    links = link_lines(graph, focus, options.width, links_room(options.height))
    footer = [*_expression(graph, focus, options.width), *links]
    height = MAX_ROWS if options.height is None else max(options.height - len(footer), 1)
    first, last = window(len(listing), None if focus is None else listing.line_of(focus), height)
    shown = [listing.line(index) for index in range(first, last)]
    chosen = None if selected is None else graph.index_of(selected)
    lines = [draw_line(graph, line, options, is_selected=_is_row(line, chosen)) for line in shown]
    if options.height is None and last - first < len(listing):
        lines.append(Text(f"… lines {first + 1} to {last} of {len(listing)}", style=theme.DIM))
    return Group(*lines, *footer)


def links_room(height: int | None) -> int:
    """Return how many lines of a pane say how a node is linked."""
    return 2 * _LINKS if height is None else min(height // _SHARE, _LINKS)


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
    measure = options.graph.measure
    width = options.width - (room(bar_cells(options.width)) if measure else 0)
    row, depth = graph.row(line.row), depth_for(width)
    if line.header is None:
        marks = Marks(not row.is_reference and row.node == graph.current, is_selected)
        text = graph_row(row, graph.state(row.node), graph.shape(row.node, row.output_nr), marks, depth, width)
    else:
        held = [graph.row(one) for one in line.header.holds]
        marks = Marks(any(one.node == graph.current for one in held), is_selected)
        lanes = lanes_of(graph, line.header, row)
        way = held[0].name if held else ""
        text = header_row(line.header, row, lanes, graph.nodes_of(line.header), marks, way, depth)
    if measure is not None:
        text = _with_flow(graph, line, text, measure, bar_cells(options.width))
    text.truncate(options.width, overflow="ellipsis")
    return text


def _with_flow(graph: GraphView, line: Line, text: Text, measure: Measure, bar: int) -> Text:
    """Return a line with the gradient that came to its node before it; of a fold's the range over its nodes."""
    flows, header = graph.flows(), line.header
    largest = flows.largest(measure)
    if header is None:
        (node,) = graph.nodes(line.row, line.row + 1)
        return Text.assemble(flow_text(flows.of(node), measure, largest, bar), text)
    if header.rows > _MAX_RANGE:
        return Text.assemble(Text(" " * room(bar)), text)
    found = [flows.of(node) for node in graph.nodes(header.first, header.first + header.rows)]
    words = range_words(found, measure)
    said = (f"  {words}" if words else "", theme.UPSTREAM)
    return Text.assemble(range_text(found, measure, largest, bar), text, said)


def beginning(text: str, width: int) -> str:
    """Return as much of a text as can be seen of it in ``width`` cells, and more where there is more: to be cut."""
    return text[: width + 1] if text.isascii() else text


def _expression(graph: GraphView, index: int | None, width: int) -> list[Text]:
    """Return the Python that reaches the node of a row."""
    expression = "" if index is None else graph.expression(index)
    return _stated([("→ ", expression)], width) if expression else []


def link_lines(graph: GraphView, index: int | None, width: int, room: int) -> list[Text]:
    """Return how the node of a row is linked: ``next_functions``, and by which entry of its parent's it is reached.

    What does not fit on a line goes on the next, where there is room for both; a lead never stands alone.
    """
    lines: list[Text] = []
    for lead, text in _links(graph, index):
        left = room - len(lines)
        if left > 1 and cell_len(lead) + cell_len(plain(beginning(text, width))) > width:
            lines += [Text(lead.rstrip(), theme.DIM, no_wrap=True), *_stated([("    ", text)], width)]
        elif left > 0:
            lines += _stated([(lead, text)], width)
    return lines


def _links(graph: GraphView, index: int | None) -> list[tuple[str, str]]:
    if index is None:
        return []
    links, texts = graph.links(index), list[tuple[str, str]]()
    if links.functions is not None:
        texts.append(("  .next_functions = ", links.printed))
    if links.identity:
        texts.append(("  True: ", links.identity))
    elif links.parent:
        texts.append((f"  entry {links.entry} of the next_functions of ", links.parent))
    return texts


def _stated(texts: list[tuple[str, str]], width: int) -> list[Text]:
    lines = []
    for lead, text in texts:
        line = Text(lead, theme.DIM, no_wrap=True).append(beginning(plain(text), width), theme.MATH)
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return lines


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the rows of the tree, as many as are listed, and the current node."""
    graph = frame.graph
    rows, flows = [], graph.flows()
    flows.read()
    for index in range(min(len(graph), _MAX_LISTED)):
        row = graph.row(index)
        shape, flow = graph.shape(row.node, row.output_nr), flows.of(row.node)
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
                "norm": None if flow is None else number_json(flow.norm),
                "max": None if flow is None else number_json(flow.max),
            }
        )
    links = _links_json(graph, _focus(graph, options.selected_node))
    return {"current": graph.current, "links": links, "rows": rows, "rows_in_all": len(graph)}


def _links_json(graph: GraphView, index: int | None) -> Json | None:
    """Return how the selected, else the current node is linked."""
    if index is None:
        return None
    links = graph.links(index)
    functions = None if links.functions is None else [list(pair) for pair in links.functions]
    found = {"node": graph.row(index).node, "next_functions": functions, "parent": links.parent or None}
    return found | {"entry": links.entry if links.parent else None, "identity": links.identity or None}
