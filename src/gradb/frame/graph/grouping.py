"""Which items of a graph are listed together, and which are too small to be folded."""

from __future__ import annotations

from collections.abc import Iterator

from gradb.frame.graph.folds import Fold, Item, Items

_SMALL = 2  # rows that are shown as they are, whatever they are
_BRIEF = 3  # rows of a single node and what it refers to that are shown as they are


def grouped(items: Items | None) -> Iterator[list[Item]]:
    """Yield the items of a fold, neighbours that are the same but for their number together."""
    while items is not None:
        group, at = [items.first], items.rest
        while at is not None and at is not items.beyond:
            group.append(at.first)
            at = at.rest
        yield group
        items = items.beyond


def is_brief(item: Item) -> bool:
    """Tell whether an item is a node or two, or one and what it refers to: they say more than the name of a module."""
    return item.rows <= _SMALL or (item.rows - item.references <= 1 and item.rows <= _BRIEF)


def part_of(fold: Fold) -> str:
    """Return which modules inside of its own a fold holds, from the first that ran to the last: ``h.3 … h.5``."""
    inner = [item.name for item in fold.items if isinstance(item, Fold)]
    if not inner:
        return ""
    return inner[0] if inner[0] == inner[-1] else f"{inner[-1]} … {inner[0]}"
