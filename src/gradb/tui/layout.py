"""Which panes are on the screen: all, one alone, or source and output taking turns. Pure arithmetic on names."""

from __future__ import annotations

PANE_NAMES = ("source", "graph", "chain", "grads", "output")
COLUMNS = {"left": ("source", "output"), "right": ("chain", "grads"), "graph": ("graph",)}
SMALLEST = (60, 16)
WIDE = 120


def visible_panes(width: int, zoomed: str, front: str) -> frozenset[str]:
    """Return the names of the panes shown at ``width``; ``front`` is whichever of source and output is wanted."""
    if zoomed:
        return frozenset({zoomed})
    if width >= WIDE:
        return frozenset(PANE_NAMES)
    hidden = "source" if front == "output" else "output"
    return frozenset(PANE_NAMES) - {hidden}


def visible_columns(panes: frozenset[str]) -> frozenset[str]:
    """Return the ids of the parts of the body that have something to show."""
    return frozenset(name for name, members in COLUMNS.items() if panes.intersection(members))


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
