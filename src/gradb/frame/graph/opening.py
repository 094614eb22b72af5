"""Opens and closes folds by name, and those that hide a row; tells what may be named."""

from __future__ import annotations

from gradb.frame.graph.choice import Choice
from gradb.frame.graph.folds import Fold, Item, Items
from gradb.frame.graph.listing import Listing


def showing(items: Items | None, rows: int, choice: Choice, row: int) -> Choice:
    """Return a choice with those folds opened that hide a row, and no other changed."""
    while (header := Listing(items, rows, choice, (row,)).hiding(row)) is not None:
        choice = choice.turned(header.key, is_open=True)
    return choice


def turning(items: Items, rows: int, choice: Choice, name: str) -> Choice | None:
    """Return a choice with a fold turned, and open all that holds it; None where there is no fold of that name.

    Args:
        items: what the graph holds.
        rows: how many rows it has.
        choice: what is open.
        name: of a module, or of folds that are the same (``h.0 to h.11``).
    """
    row = _row_of(items, name)
    folded = Choice("auto" if choice.mode == "none" else choice.mode, choice.opened, choice.closed)
    while True:
        found = [header for header in Listing(items, rows, folded).headers if name in {header.name, header.key}]
        if found:
            return folded.turned(found[0].key, is_open=not found[0].is_open)
        hiding = None if row is None else Listing(items, rows, folded).hiding(row)
        if hiding is None:
            return None
        folded = folded.turned(hiding.key, is_open=True)


def names_of(items: Items) -> list[str]:
    """Return the names of the outermost folds that have any beside them."""
    while items.rest is None and isinstance(items.first, Fold):
        items = items.first.items
    return [item.name for item in items if isinstance(item, Fold)]


def _row_of(items: Items, name: str) -> int | None:
    """Return the first row of the fold of a module."""
    stack: list[tuple[Item, int]] = []
    row = 0
    for item in items:
        stack.append((item, row))
        row += item.rows
    while stack:
        item, row = stack.pop()
        if isinstance(item, Fold):
            if item.name == name:
                return row
            if name.startswith(f"{item.name}."):
                for inner in item.items:
                    stack.append((inner, row))
                    row += inner.rows
    return None
