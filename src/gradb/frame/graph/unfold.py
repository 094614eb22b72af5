"""Unfolds a graph as a tree, row by row, as far as somebody looks.

A shared node is drawn in full once and referred to elsewhere; so a graph of N edges has N rows and the rows of the
roots, however many paths run through it. It is drawn stretch by stretch (`region`), which others have laid out already
where another graph goes on in the same way: each holds for whatever is above it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from gradb.frame.graph.region import Region
from gradb.frame.graph.view import Where
from gradb.tape.database import TapeError

Regions = Callable[[tuple[int, ...]], Region]


class Unfolding:
    """The rows under some roots.

    Args:
        roots: the nodes that nothing consumes, but for leaves.
        regions: lays out the stretch that begins at some nodes.
        size: number of rows when unfolded to the end.
        loose: leaves that nothing consumes; they are drawn below all others.
    """

    def __init__(self, roots: Sequence[int], regions: Regions, size: int, loose: Sequence[int] = ()) -> None:
        self.size = size
        self.loose = tuple(sorted(loose, reverse=True))
        self.parts: list[Region] = []
        self.starts: list[tuple[int, ...]] = []
        """The nodes at which each part begins."""
        self.count = 0
        """Rows unfolded so far."""
        self._bases: list[int] = []
        self._depths: list[tuple[int, ...]] = []
        """Of each part: depth of each of its starts."""
        self._owners: dict[int, tuple[int, int]] = {}
        """start -> (row, entry) that it is drawn under."""
        self._first: dict[int, int] = {}
        """leaf -> the row that draws it in full; and any node that ``places`` of a part cannot be asked for."""
        self._again: list[int] = []
        """Rows that refer to a leaf, in order."""
        self._newest: list[int] = []
        """Newest node of each part, negated."""
        self._regions = regions
        self._next = tuple(sorted(roots, reverse=True)) or self.loose

    def reach(self, row: int) -> None:
        """Unfold up to a row.

        Raises:
            IndexError: there is no such row.
            TapeError: the graph has a cycle, which no real one has.
        """
        if not 0 <= row < self.size:
            raise IndexError(row)
        while self.count <= row:
            if not self._next:
                raise TapeError("The graph on the tape has a cycle: the tape is damaged.")
            self._add()

    def add(self) -> bool:
        """Unfold a stretch more; return False where there is none."""
        if not self._next or self.count >= self.size:
            return False
        self._add()
        return True

    def find(self, node: int) -> int | None:
        """Return the row at which a node is drawn in full, unfolding until it is met; None where it is not met."""
        while (row := self._known(node)) is None and self.add():
            pass
        return row

    def drawn(self, row: int) -> int | None:
        """Return the node that is drawn in full on a row; None where the row refers to one.

        Raises:
            IndexError: there is no such row.
            TapeError: the graph has a cycle, which no real one has.
        """
        self.reach(row)
        return None if self.reference(row) else self.node(row)

    def _known(self, node: int) -> int | None:
        if node in self._first:
            return self._first[node]
        part = bisect_right(self._newest, -node) - 1
        local = self.parts[part].places.get(node) if part >= 0 else None
        return None if local is None else self._bases[part] + local

    def _add(self) -> None:
        """Add the next part."""
        part, starts, base = self._regions(self._next), self._next, self.count
        depths = tuple(self._depth_below(self._owners.get(start)) for start in starts)
        is_loose = starts == self.loose
        self._newest.append(0 if is_loose else -starts[0])
        self._bases.append(base)
        self._depths.append(depths)
        self.parts.append(part)
        self.starts.append(starts)
        self.count = base + len(part)
        for local, leaf in part.leaves:
            if leaf in self._first:
                self._again.append(base + local)
            else:
                self._first[leaf] = base + local
        self._first.update((node, base + part.places[node]) for node in part.odd)
        for one in part.exits:
            if one.owner >= 0:
                self._owners[one.node] = (base + one.owner, one.entry)
        if is_loose:
            self._first.update((leaf, base + local) for leaf, local in part.places.items())
        self._next = tuple(one.node for one in part.exits) or (() if is_loose else self.loose)

    def _depth_below(self, owner: tuple[int, int] | None) -> int:
        return 0 if owner is None else self.depth(owner[0]) + 1

    # --- one row, once it is unfolded ---------------------------------------------------------------------------------

    def place(self, row: int) -> tuple[Region, int]:
        """Return the part that a row is in, and which of its rows it is."""
        part = bisect_right(self._bases, row) - 1
        return self.parts[part], row - self._bases[part]

    def node(self, row: int) -> int:
        """Return the node that a row shows."""
        part, local = self.place(row)
        return part.nodes[local]

    def parent(self, row: int) -> tuple[int, int]:
        """Return the row above that leads to a row, and by which entry of ``next_functions``; -1, -1 for a root."""
        part, local = self.place(row)
        if part.parents[local] >= 0:
            return row - local + part.parents[local], part.entries[local]
        return self._owners.get(part.nodes[local], (-1, -1))

    def depth(self, row: int) -> int:
        """Return how many edges lead from a root to a row, as drawn."""
        at = bisect_right(self._bases, row) - 1
        part, local = self.parts[at], row - self._bases[at]
        return self._depths[at][part.origins[local]] + part.depths[local]

    def is_head(self, row: int) -> bool:
        """Tell whether a line of the tree begins at a row: a root, or a branch."""
        part, local = self.place(row)
        return row == 0 or part.heads[local] or row >= self.size - len(self.loose)

    def reference(self, row: int) -> Where:
        """Tell where the node of a row is drawn in full; empty where that is here."""
        node = self.node(row)
        place = self._known(node)
        if place == row:
            return ""
        return "above" if place is not None and place < row else "below"

    def again(self, first: int, last: int) -> int:
        """Count the rows first..last, ``last`` excluded, that refer to a leaf that is drawn above."""
        return bisect_left(self._again, last) - bisect_left(self._again, first)
