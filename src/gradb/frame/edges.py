"""The edges of nodes, read from the text that a tape has of each; many at once, since one by one takes longest."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gradb.tape.kinds.graph import Edge


def edges_of(texts: Sequence[object]) -> list[tuple[Edge, ...] | None]:
    """Return the edges of each of some nodes; None where they are damaged."""
    together = _loads(f"[{','.join(map(str, texts))}]") if all(map(_is_closed, texts)) else None
    if isinstance(together, list) and len(together) == len(texts):
        return [_edges(items) for items in together]
    return [_edges(_loads(text)) for text in texts]


def _is_closed(text: object) -> bool:
    """Tell whether a text cannot mean anything else beside others: one that is damaged is not to hide in the next."""
    return type(text) is str and text[:1] == "[" and '"' not in text and text.count("[") == text.count("]")


def _loads(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _edges(items: object) -> tuple[Edge, ...] | None:
    found = []
    try:
        for to, number in items:  # type: ignore[attr-defined]
            if type(number) is not int or not (to is None or type(to) is int):
                return None
            found.append(Edge(to, number))
    except (ValueError, TypeError):
        return None
    return tuple(found)
