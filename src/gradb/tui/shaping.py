"""How the user makes panes larger, hides them and has them back: from one `Shape` to the next. Pure arithmetic.

A border moves by what the two panes beside it have to give; no other moves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gradb.debugger.errors import UserError
from gradb.present.panes.table import PANES
from gradb.tui.layout import (
    COLUMNS,
    LEAST_HEIGHT,
    LEAST_WIDTH,
    Plan,
    Shape,
    column_shares,
    columns,
    place_of,
    row_shares,
)


def widened(pane: str, by: int, names: Collection[str], plan: Plan, width: int, height: int) -> Shape:
    """Return the shape once the column of a pane is ``by`` cells wider, or narrower where that is below 0.

    Args:
        pane: its name, one of ``names``.
        by: cells; as many as its neighbour, or it, can do without are taken.
        names: the panes that are seen.
        plan: how the body is divided.
        width: of the body.
        height: of the body.

    Raises:
        UserError: there is no column beside it, or neither can be narrower.
    """
    shown = columns(names, plan, width, height)
    place = place_of(PANES[pane], plan.size)
    at = next(index for index, column in enumerate(shown) if place in column.rows)
    cells = _moved([column.width for column in shown], at, by, LEAST_WIDTH, ("wide", "narrow", "beside"))
    found = {column.number: taken for column, taken in zip(shown, cells, strict=True)}
    return replace(plan.shape, widths=_shares(column_shares(plan, width), found))


def heightened(pane: str, by: int, names: Collection[str], plan: Plan, width: int, height: int) -> Shape:
    """Return the shape once a pane is ``by`` lines taller, or shorter where that is below 0.

    Raises:
        UserError: there is no pane above or below it, or neither can be shorter.
    """
    place = place_of(PANES[pane], plan.size)
    column = next(each for each in columns(names, plan, width, height) if place in each.rows)
    seen = list(column.rows)
    cells = _moved(list(column.rows.values()), seen.index(place), by, LEAST_HEIGHT, ("tall", "short", "above or below"))
    order = COLUMNS[plan.size][column.number]
    found = {order.index(name): taken for name, taken in zip(seen, cells, strict=True)}
    is_plot = "training" in names and plan.size != "wide"
    before = tuple(row_shares(plan, column.number, is_plot=is_plot).values())
    heights = list(plan.shape.heights or ((),) * len(COLUMNS[plan.size]))
    heights[column.number] = _shares(before, found)
    return replace(plan.shape, heights=tuple(heights))


def _moved(cells: list[int], at: int, by: int, least: int, words: tuple[str, str, str]) -> list[int]:
    """Move the border behind a part, or before it where it is the last."""
    large, small, where = words
    if len(cells) == 1:
        raise UserError(f"there is no pane {where} this one to share the room with")
    other = at + 1 if at + 1 < len(cells) else at - 1
    taken = max(min(by, cells[other] - least), min(least - cells[at], 0))
    if not taken:
        raise UserError(f"the pane is as {large if by > 0 else small} as it can be")
    cells[at] += taken
    cells[other] -= taken
    return cells


def _shares(before: Sequence[int], cells: Mapping[int, int]) -> tuple[int, ...]:
    """Return the new shares of what is seen; what is not keeps its own beside them."""
    old, new = sum(before[at] for at in cells), sum(cells.values())
    return tuple(cells.get(at, max(round(share * new / old), 1)) for at, share in enumerate(before))


def hiding(pane: str, plan: Plan) -> Shape:
    """Return the shape once the place of a pane is hidden.

    Raises:
        UserError: it is the last one.
    """
    hidden = plan.shape.hidden | {place_of(PANES[pane], plan.size)}
    if hidden.issuperset(place for column in COLUMNS[plan.size] for place in column):
        raise UserError("the last pane on the screen stays")
    return replace(plan.shape, hidden=hidden)


def revealing(pane: str, plan: Plan) -> Shape:
    """Return the shape once the place of a pane is seen again."""
    return replace(plan.shape, hidden=plan.shape.hidden - {place_of(PANES[pane], plan.size)})
