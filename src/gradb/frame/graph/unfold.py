"""Unfolds a graph as a tree, row by row, as far as somebody looks.

A shared node is drawn in full once, where a depth-first walk meets it first, and referred to after that; so a graph of
N edges has N rows and the rows of the roots, however many paths run through it. The walk keeps its own stack: a chain
of 100,000 nodes is no deeper for Python than one of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Edge

MAX_GUIDES = 64


class Unfolding:
    """The rows under some roots. Parallel lists, one item a row."""

    def __init__(self, roots: Sequence[int], edges: Callable[[int], Sequence[Edge]], size: int) -> None:
        self.size = size
        """Number of rows when unfolded to the end."""
        self.nodes: list[int] = []
        self.parents: list[int] = []
        """Row of the parent; -1 for a root."""
        self.entries: list[int] = []
        """Which entry of the parent's ``next_functions`` leads here; -1 for a root."""
        self.depths: list[int] = []
        self.lasts: list[bool] = []
        """Last child of its parent; True for every root, since no guide joins the roots."""
        self.places: dict[int, int] = {}
        """node -> the row at which it is drawn in full."""
        self._edges = edges
        self._stack: list[tuple[int, int, int, bool]] = []
        for root in reversed(roots):
            self._stack.append((root, -1, -1, True))

    def reach(self, row: int) -> None:
        """Unfold up to a row.

        Raises:
            IndexError: there is no such row.
            TapeError: the graph has a cycle, which no real one has.
        """
        if not 0 <= row < self.size:
            raise IndexError(row)
        while len(self.nodes) <= row:
            if not self._stack:
                raise TapeError("The graph on the tape has a cycle: the tape is damaged.")
            self._append(*self._stack.pop())

    def find(self, node: int) -> int | None:
        """Return the row at which a node is drawn in full, unfolding until it is met; None where it is not met."""
        while node not in self.places and self._stack and len(self.nodes) < self.size:
            self._append(*self._stack.pop())
        return self.places.get(node)

    def _append(self, node: int, parent: int, entry: int, is_last: bool) -> None:
        row = len(self.nodes)
        self.nodes.append(node)
        self.parents.append(parent)
        self.entries.append(entry)
        self.depths.append(0 if parent < 0 else self.depths[parent] + 1)
        self.lasts.append(is_last)
        if node in self.places:
            return
        self.places[node] = row
        children = [(index, edge.to) for index, edge in enumerate(self._edges(node)) if edge.to is not None]
        for place in range(len(children) - 1, -1, -1):
            index, child = children[place]
            self._stack.append((child, row, index, place == len(children) - 1))

    def is_reference(self, row: int) -> bool:
        """Tell whether the node of a row is drawn in full on a row above."""
        return self.places[self.nodes[row]] != row

    def guides(self, row: int) -> tuple[bool, ...]:
        """Return, for the nearest ancestors, outermost first, whether more children of their parent follow below.

        At most ``MAX_GUIDES``: no screen shows more, and a chain of 100,000 nodes is that deep.
        """
        guides: list[bool] = []
        at = self.parents[row]
        while at >= 0 and len(guides) < MAX_GUIDES:
            guides.append(not self.lasts[at])
            at = self.parents[at]
        return tuple(reversed(guides))
