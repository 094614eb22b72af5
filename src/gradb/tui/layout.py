"""Which panes are on the screen and where. Pure arithmetic on names and cells.

Below 100 columns there are two columns, source and output taking turns, graph and training too; from there on two, the
output in the right one where the terminal is high enough; from 180 on three, the source wide enough for 79 columns of
Python, and the training under it, where a plot has room. The chain rule shares its place with the paths, the saved
tensors and the ATen calls at every size: they are about the same node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gradb.present.panes.table import PANES, Apart, PaneSpec, sharing

SMALLEST = (60, 16)
MEDIUM = 100
WIDE = 180
TALL = 30  # lines a terminal must have for the output to have a place of its own in two columns
_SOURCE_WIDTHS = (79, 90)

Column = tuple[int, tuple[tuple[str, int], ...]]
"""Width of a column, and its panes with the shares of its height that they take."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of the body that a pane takes."""

    x: int
    y: int
    width: int
    height: int


def visible_panes(width: int, height: int, zoomed: str, fronts: frozenset[str]) -> frozenset[str]:
    """Return the names of the panes shown on a terminal; ``fronts`` has whichever is wanted of each group."""
    if zoomed:
        return frozenset({zoomed})
    room: Apart = "wide" if width >= WIDE else "tall" if width >= MEDIUM and height >= TALL else ""
    slots: dict[str, list[str]] = {}
    for pane in PANES.values():
        slots.setdefault(_slot(pane, room), []).append(pane.name)
    return frozenset(next((name for name in names if name in fronts), names[0]) for names in slots.values())


def _slot(pane: PaneSpec, room: Apart) -> str:
    """Return the place that a pane takes on a screen of a size; one of its own has the pane's name."""
    is_apart = pane.apart == room != "" or (pane.apart == "tall" and room == "wide")
    return pane.name if is_apart else pane.place


def brought(fronts: frozenset[str], name: str) -> frozenset[str]:
    """Return the panes in front once ``name`` is."""
    return fronts.difference(sharing(name)) | {name}


def places(names: frozenset[str], width: int, height: int) -> dict[str, Cells]:
    """Return where each of the panes ``names`` goes in a body of ``width`` by ``height`` cells."""
    if len(names) == 1:
        return dict.fromkeys(names, Cells(0, 0, width, height))
    result: dict[str, Cells] = {}
    left = 0
    for column_width, panes in _columns(names, width):
        top = 0
        for (name, _), rows in zip(panes, _shares([share for _, share in panes], height), strict=True):
            result[name] = Cells(left, top, column_width, rows)
            top += rows
        left += column_width
    return result


def _columns(names: frozenset[str], width: int) -> tuple[Column, ...]:
    at = _slots(names)
    if width >= WIDE:
        least, most = _SOURCE_WIDTHS
        source, right = min(max(width * 11 // 25, least), most), width * 33 // 100
        middle: Column = (width - source - right, ((at["graph"], 3), (at["output"], 1)))
        return (source, ((at["source"], 4), (at["training"], 3))), middle, (right, ((at["node"], 2), (at["grads"], 1)))
    left = width // 2 if width >= MEDIUM else width * 9 // 20
    is_plot = at["graph"] != "graph"  # a plot needs lines
    if "output" in at:
        upper = 7 if is_plot else 9
        right_column = ((at["node"], 11), (at["grads"], 5), (at["output"], 4))
        return (left, ((at["source"], upper), (at["graph"], 20 - upper))), (width - left, right_column)
    lower = 2 if is_plot else 1
    return (left, ((at["source"], 1), (at["graph"], lower))), (width - left, ((at["node"], 14), (at["grads"], 6)))


def _slots(names: frozenset[str]) -> dict[str, str]:
    """Return which of the panes ``names`` is at each place; a second one at a place has one of its own."""
    found: dict[str, str] = {}
    for pane in PANES.values():
        if pane.name in names:
            found[pane.name if pane.place in found else pane.place] = pane.name
    return found


def _shares(weights: Sequence[int], total: int) -> list[int]:
    """Cut ``total`` lines in proportion, none lost."""
    edges = [total * sum(weights[:count]) // sum(weights) for count in range(len(weights) + 1)]
    return [last - first for first, last in pairwise(edges)]


def is_too_small(width: int, height: int) -> bool:
    """Tell whether the terminal is too small to show anything of use."""
    return width < SMALLEST[0] or height < SMALLEST[1]


def top_line(index: int, count: int, height: int) -> int:
    """Return the first line to show so that line ``index`` of ``count`` is in view.

    It depends on nothing that was shown before, so that a position looks the same however it was reached; and it moves
    by half pages, so that stepping through neighbouring lines does not scroll each time.
    """
    stride = max(height // 2, 1)
    top = (index - height // 4) // stride * stride
    return max(min(top, count - height), 0)
