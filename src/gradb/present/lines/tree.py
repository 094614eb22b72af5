"""One line of the drawn graph: a node's row, or a fold that stands for many; the lines of the tree in front of it.

A chain is one upright line; a branch begins with ``├─`` and has a line of its own. All of it is said by signs, so that
it reads the same without colour.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.graph.listing import Header
from gradb.frame.graph.view import GraphRow, GraphView, NodeState
from gradb.present.draw import theme
from gradb.present.draw.numbers import shape_text
from gradb.present.draw.safe import plain

NAME_ROOM = 36
"""Cells of a line kept for name, variable and shape."""

_NAME_LIMIT = 80
_NAMED = 3  # outputs of a node of which the names are shown
_LEAST_DEPTH = 4
_WIDE = 1000
_LEVEL = 2  # cells that a level of the tree takes
_ARROWS = {"above": "↑ ", "below": "↓ "}
_LEAST_NAME = 6  # cells that are left of a node's name, where there is no room for it and that of its variable


@dataclass(frozen=True, slots=True)
class Marks:
    """What a line is, beside what it shows."""

    is_current: bool = False
    """It shows the node that the event is about, or hides it."""
    is_selected: bool = False


def depth_for(width: int) -> int:
    """Return how many levels of the tree are drawn on a line of a width."""
    return max((width - NAME_ROOM) // _LEVEL, _LEAST_DEPTH)


def graph_row(
    row: GraphRow,
    state: NodeState,
    shape: tuple[int, ...] | None,
    marks: Marks,
    max_depth: int = 20,
    width: int = _WIDE,
) -> Text:
    """Return a node's line: marks, tree, state, name, variable and shape; ``▶`` leads the current node's.

    What is drawn elsewhere has an arrow before its name. The line is not cut to ``width``, but where a name and that of
    its variable do not fit, the former gives way.
    """
    line = _begun(marks)
    line.append(_guides(row, max_depth), theme.DIM)
    line.append(f"{theme.STATE_SYMBOLS[state]} ", theme.STATE_STYLES[state])
    line.append(_ARROWS[row.reference] if row.reference else "", theme.DIM)
    label = Text(f"  {_names(row)}" if row.label else "", theme.NAME)
    name = Text(plain(row.name, _NAME_LIMIT), theme.NODE if marks.is_current else theme.STATE_STYLES[state])
    if label:
        room = width - line.cell_len - label.cell_len - (0 if shape is None else 2)  # so that it is not cut itself
        name.truncate(max(room, _LEAST_NAME), overflow="ellipsis")
    line.append_text(name).append_text(label)
    if shape is not None:
        line.append(f"  {shape_text(shape)}", theme.DIM)
    if row.reference:
        line.append(f"  see {row.reference}", theme.DIM)
    if marks.is_selected:
        line.stylize(theme.SELECTED)
    return line


def _names(row: GraphRow) -> str:
    """Return what the outputs of a node are called, a few of them."""
    names = [plain(name, _NAME_LIMIT) for name in (row.label, *row.others) if name]
    return ", ".join([*names[:_NAMED], "…"] if len(names) > _NAMED else names)


def header_row(
    header: Header, first: GraphRow, lanes: int, nodes: int, marks: Marks, way: str = "", max_depth: int = 20
) -> Text:
    """Return a fold's line: ``▸ h.0 to h.11, the same  12 × 49 nodes``, or ``▸ MulBackward0 …  20,000 nodes``.

    Args:
        header: the fold.
        first: its first row.
        lanes: which lines of the tree go on below the line.
        nodes: how many nodes are drawn in it.
        marks: what the line is.
        way: name of the node that must be seen and is in it.
        max_depth: levels of the tree that are drawn.
    """
    line = _begun(marks)
    line.append(_guides(first, max_depth, header=header, lanes=lanes), theme.DIM)
    line.append("▾ " if header.is_open else "▸ ", theme.LABEL).append(plain(header.name, _NAME_LIMIT), theme.LABEL)
    if header.is_run or header.count > 1:
        line.append(" …" if header.is_run else ", the same", theme.LABEL)
    if header.part:
        line.append(f": {plain(header.part, _NAME_LIMIT)}", theme.LABEL)
    each, rest = divmod(nodes, header.count)
    times = f"{header.count:,} × " if header.count > 1 and not rest and not (header.is_run and each == 1) else ""
    line.append(f"  {times}{counted(each if times else nodes, 'node')}", theme.DIM)
    if way:
        line.append("  in it: ", theme.DIM).append(plain(way, _NAME_LIMIT), theme.NODE)
    if marks.is_selected:
        line.stylize(theme.SELECTED)
    return line


def lanes_of(graph: GraphView, header: Header, first: GraphRow) -> int:
    """Return which lines of the tree go on below a fold's line: of an open one those at which its first row begins."""
    if not header.is_open:
        return graph.row(header.first + header.rows - 1).lanes
    above = 1 << (first.indent - 1) if first.is_head and first.indent else 1 << first.indent
    return first.lanes & ((1 << first.indent) - 1) | (0 if first.is_head and not first.indent else above)


def _begun(marks: Marks) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("▶" if marks.is_current else " ", theme.CURRENT)
    return line.append("›" if marks.is_selected else " ", theme.CURRENT)


def _guides(row: GraphRow, max_depth: int, *, header: Header | None = None, lanes: int | None = None) -> str:
    """Return the tree's lines in front of a row, two cells a level; the own one is the last."""
    lanes = row.lanes if lanes is None else lanes
    is_branch = row.is_head and row.indent > 0
    goes_on = bool(lanes >> row.indent & 1)
    outer = ["│ " if lanes >> level & 1 else "  " for level in range(max(row.indent - max_depth + 1, 0), row.indent)]
    if is_branch and outer and not (header is not None and header.is_open):
        outer[-1] = "├─" if lanes >> (row.indent - 1) & 1 else "└─"
    if header is not None and header.is_open and row.is_head:
        own = ""
    elif is_branch:
        own = "┬ " if goes_on else "─ "
    elif row.is_head:
        own = "┌ " if goes_on else "╶ "
    else:
        own = "│ " if goes_on else "└ "
    lead = f"{f'⋯{row.indent}':<5}" if row.indent > max_depth else ""
    return lead + "".join(outer) + own
