"""Which lines of a long list to show."""

from __future__ import annotations


def window(count: int, focus: int | None, height: int) -> tuple[int, int]:
    """Return the first and one past the last line to show of ``count``: ``height`` of them, ``focus`` included."""
    if count <= height or focus is None:
        return 0, min(count, height)
    first = min(max(focus - height // 2, 0), count - height)
    return first, first + height
