"""Indices of a shape and positions in row-major order, one from the other."""

from __future__ import annotations

from collections.abc import Sequence

Shape = tuple[int, ...]
Index = tuple[int, ...]


def ravel(index: Sequence[int], shape: Sequence[int]) -> int:
    """Return the row-major position of an index."""
    flat = 0
    for i, size in zip(index, shape, strict=True):
        flat = flat * size + i
    return flat


def unravel(flat: int, shape: Shape) -> Index:
    """Return the index at a row-major position."""
    found = []
    for length in reversed(shape):
        flat, i = divmod(flat, length)
        found.append(i)
    return tuple(reversed(found))
