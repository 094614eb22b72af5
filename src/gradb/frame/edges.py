"""The edges of nodes, read from the text that a tape has of each; many at once, since one by one takes longest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from gradb.tape.kinds.graph import Edge

End: TypeAlias = "tuple[int | None, int]"
"""The other node of an edge, None for nowhere, and which of its outputs is used."""


def edges_of(texts: Sequence[object]) -> list[tuple[Edge, ...] | None]:
    """Return the edges of each of some nodes; None where they are damaged."""
    return [_edges(items) for items in _read(texts)]


def ends_of(texts: Sequence[object]) -> list[list[End] | None]:
    """Return the same without an object for each edge; None where they are damaged."""
    return [_ends(items) for items in _read(texts)]


def _read(texts: Sequence[object]) -> list[object]:
    together = _loads(f"[{','.join(map(str, texts))}]") if all(map(_is_closed, texts)) else None
    if isinstance(together, list) and len(together) == len(texts):
        return together
    return [_loads(text) for text in texts]


def _is_closed(text: object) -> bool:
    """Tell whether a text cannot mean anything else beside others: one that is damaged is not to hide in the next."""
    return type(text) is str and text[:1] == "[" and '"' not in text and text.count("[") == text.count("]")


def _loads(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _ends(items: object) -> list[End] | None:
    found = []
    try:
        for to, number in items:  # type: ignore[attr-defined]
            if type(number) is not int or not (to is None or type(to) is int):
                return None
            found.append((to, number))
    except (ValueError, TypeError):
        return None
    return found


def _edges(items: object) -> tuple[Edge, ...] | None:
    ends = _ends(items)
    return None if ends is None else tuple(Edge(to, number) for to, number in ends)
