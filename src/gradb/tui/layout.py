"""Which panes are on the screen and where. Pure arithmetic on names and cells.

Below 100 columns there are two columns, source and output taking turns, graph and training too; from there on two, the
output in the right one where the terminal is high enough; from 180 on three, the graph in one of its own, and the
training under the source, where a plot has room. The chain rule shares its place with the other panes about one node
at every size. What the user has hidden or made larger (a `Shape`) is kept apart for each of these sizes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from gradb.present.panes.table import PANES, PaneSpec, sharing

SMALLEST = (60, 16)
MEDIUM = 100
WIDE = 180
TALL = 30  # lines a terminal must have for the output to have a place of its own in two columns
LEAST_WIDTH, LEAST_HEIGHT = 20, 3
"""Cells that a column and a pane take at least, the border among them."""
_MOST_SOURCE = 90

SizeClass = Literal["narrow", "medium", "tall", "wide"]
"""Sizes of a terminal that have the same places."""
SIZE_CLASSES: tuple[SizeClass, ...] = get_args(SizeClass)

_TWO = (("source", "graph"), ("node", "grads"))
COLUMNS: Mapping[SizeClass, tuple[tuple[str, ...], ...]] = {
    "narrow": _TWO,
    "medium": _TWO,
    "tall": (("source", "graph"), ("node", "grads", "output")),
    "wide": (("source", "training"), ("graph", "output"), ("node", "grads")),
}
"""The places of each size, column by column, from the top."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the user has made of the screen at one size."""

    hidden: frozenset[str] = frozenset()
    """Places that are not shown."""
    widths: tuple[int, ...] = ()
    """Share of each column, from 1; empty: as designed."""
    heights: tuple[tuple[int, ...], ...] = ()
    """Share of each place in each column; empty: as designed, all of them or a column."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a body is divided."""

    size: SizeClass = "narrow"
    shape: Shape = Shape()


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of the body that a pane takes."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the body."""

    number: int
    """Which of the columns of its size, from 0."""
    width: int
    rows: Mapping[str, int]
    """Height of each place in it, from the top; those that are not shown have none."""


def size_class(width: int, height: int) -> SizeClass:
    """Return the class of a terminal."""
    if width >= WIDE:
        return "wide"
    return "narrow" if width < MEDIUM else "tall" if height >= TALL else "medium"


def visible_panes(plan: Plan, zoomed: str, fronts: frozenset[str]) -> frozenset[str]:
    """Return the names of the panes shown; ``fronts`` has whichever is wanted of each group."""
    if zoomed:
        return frozenset({zoomed})
    places: dict[str, list[str]] = {}
    for pane in PANES.values():
        places.setdefault(place_of(pane, plan.size), []).append(pane.name)
    return frozenset(
        next((name for name in names if name in fronts), names[0])
        for place, names in places.items()
        if place not in plan.shape.hidden
    )


def place_of(pane: PaneSpec, size: SizeClass) -> str:
    """Return the place that a pane takes on a screen of a size; one of its own has the pane's name."""
    is_apart = pane.apart == size or (pane.apart == "tall" and size == "wide")
    return pane.name if is_apart else pane.place


def brought(fronts: frozenset[str], name: str) -> frozenset[str]:
    """Return the panes in front once ``name`` is."""
    return fronts.difference(sharing(name)) | {name}


def places(names: Collection[str], plan: Plan, width: int, height: int) -> dict[str, Cells]:
    """Return where each of the panes ``names`` goes in a body of ``width`` by ``height`` cells."""
    if len(names) == 1:
        return dict.fromkeys(names, Cells(0, 0, width, height))
    at = {place_of(PANES[name], plan.size): name for name in names}
    result: dict[str, Cells] = {}
    left = 0
    for column in columns(names, plan, width, height):
        top = 0
        for place, rows in column.rows.items():
            result[at[place]] = Cells(left, top, column.width, rows)
            top += rows
        left += column.width
    return result


def columns(names: Collection[str], plan: Plan, width: int, height: int) -> tuple[Column, ...]:
    """Return the columns in which the panes ``names`` stand."""
    seen = {place_of(PANES[name], plan.size) for name in names}
    shown = [(number, [place for place in column if place in seen]) for number, column in enumerate(COLUMNS[plan.size])]
    shown = [(number, rows) for number, rows in shown if rows]
    widths = column_shares(plan, width)
    cells = divided([widths[number] for number, _ in shown], width, LEAST_WIDTH)
    is_plot = "training" in names and plan.size != "wide"
    return tuple(
        Column(number, cells[at], _rows(rows, row_shares(plan, number, is_plot=is_plot), height))
        for at, (number, rows) in enumerate(shown)
    )


def _rows(places: Sequence[str], shares: Mapping[str, int], height: int) -> dict[str, int]:
    return dict(zip(places, divided([shares[place] for place in places], height, LEAST_HEIGHT), strict=True))


def column_shares(plan: Plan, width: int) -> tuple[int, ...]:
    """Return the share of each column of a size: the user's, or as designed."""
    if plan.shape.widths:
        return plan.shape.widths
    if plan.size == "wide":
        source, node = min(width * 37 // 100, _MOST_SOURCE), min(width * 30 // 100, _MOST_SOURCE)
        return source, width - source - node, node
    left = width * 9 // 20 if plan.size == "narrow" else width // 2
    return left, width - left


def row_shares(plan: Plan, column: int, *, is_plot: bool) -> dict[str, int]:
    """Return the share of each place in a column: the user's, or as designed; ``is_plot``: a plot needs lines."""
    chosen = plan.shape.heights[column] if plan.shape.heights else ()
    shares = chosen or _designed(plan.size, column, is_plot=is_plot)
    return dict(zip(COLUMNS[plan.size][column], shares, strict=True))


def _designed(size: SizeClass, column: int, *, is_plot: bool) -> tuple[int, ...]:
    if size == "wide":
        return ((4, 3), (3, 1), (2, 1))[column]
    if column:
        return (11, 5, 4) if size == "tall" else (14, 6)
    if size == "tall":
        return (7, 13) if is_plot else (9, 11)
    return (1, 2) if is_plot else (1, 1)


def divided(shares: Sequence[int], total: int, least: int) -> list[int]:
    """Divide ``total`` cells in proportion, none lost and no part below ``least`` as far as there is enough."""
    least = min(least, total // len(shares))
    small: set[int] = set()
    while True:
        free = [at for at in range(len(shares)) if at not in small]
        cells = dict.fromkeys(small, least)
        cells |= zip(free, _cut([shares[at] for at in free], total - least * len(small)), strict=True)
        lacking = {at for at in free if cells[at] < least}
        if not lacking:
            return [cells[at] for at in range(len(shares))]
        small |= lacking


def _cut(shares: Sequence[int], total: int) -> list[int]:
    edges = [total * sum(shares[:count]) // max(sum(shares), 1) for count in range(len(shares) + 1)]
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
