"""Which neighbours among the folds of a graph are the same, and which are too small to be folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradb.frame.graph.folds import Fold, Item, Items

_SMALL = 2  # rows that are shown as they are, whatever they are
_BRIEF = 3  # rows of a single node and what it refers to that are shown as they are


def numbered(fold: Fold) -> tuple[str, int] | None:
    """Return the name of a fold with its last number left out, and that number; None where there is none."""
    for at in range(len(fold.path) - 1, -1, -1):
        if fold.path[at].isdecimal() and len(fold.path[at]) < 10:
            return ".".join((*fold.path[:at], "#", *fold.path[at + 1 :])), int(fold.path[at])
    return None


def grouped(items: Items | Sequence[Item]) -> Iterator[list[Item]]:
    """Yield the items of a fold, neighbours that are the same but for their number together."""
    group: list[Item] = []
    for item in items:
        if group and not _continue(group[-1], item):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _continue(above: Item, below: Item) -> bool:
    """Tell whether an item is the same as the one above it, with the next number."""
    if not (isinstance(above, Fold) and isinstance(below, Fold)):
        return False
    if (above.shape, above.rows) != (below.shape, below.rows):
        return False
    one, other = numbered(above), numbered(below)
    return one is not None and other is not None and one[0] == other[0] and abs(one[1] - other[1]) == 1


def is_brief(item: Item) -> bool:
    """Tell whether an item is a node or two, or one and what it refers to: they say more than the name of a module."""
    return item.rows <= _SMALL or (item.rows - item.references <= 1 and item.rows <= _BRIEF)


def part_of(fold: Fold) -> str:
    """Return which modules inside of its own a fold holds, from the first that ran to the last: ``h.3 … h.5``."""
    inner = [item.name for item in fold.items if isinstance(item, Fold)]
    if not inner:
        return ""
    return inner[0] if inner[0] == inner[-1] else f"{inner[-1]} … {inner[0]}"
