"""Which nodes are shown: what a backward can reach, or what the forward made since the last backward.

Both grow edge by edge from nodes of the tape and never look at a node twice. Neither knows rows or states.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Edge, Node

Consumer = tuple[int, int, int]
"""(node, its entry of ``next_functions``, output number of the node it feeds)."""


def edges_of(store: Store, node: int) -> tuple[Edge, ...]:
    """Return the edges of a node; none where the tape does not have the node."""
    found = store.node(node)
    return found.edges if found is not None else ()


class Reach:
    """Everything reachable from the roots of one backward."""

    def __init__(self, store: Store, roots: Sequence[int]) -> None:
        self.consumers: dict[int, list[Consumer]] = {}
        """Who feeds a node in the backward: the nodes above it."""
        self._members: set[int] = set()
        self._edges = 0
        stack = list(dict.fromkeys(roots))
        while stack:
            self._visit(store, stack.pop(), stack)
        self.roots = self._tops(store, roots)
        if self._members and not self.roots:
            raise TapeError("The graph on the tape has a cycle: the tape is damaged.")

    def _visit(self, store: Store, node: int, stack: list[int]) -> None:
        if node in self._members:
            return
        self._members.add(node)
        for index, edge in enumerate(edges_of(store, node)):
            if edge.to is not None:
                self._edges += 1
                self.consumers.setdefault(edge.to, []).append((node, index, edge.input_nr))
                stack.append(edge.to)

    def _tops(self, store: Store, roots: Sequence[int]) -> tuple[int, ...]:
        tops = [root for root in dict.fromkeys(roots) if root not in self.consumers]
        made = {root: node.event if (node := store.node(root)) else 0 for root in tops}
        return tuple(sorted(tops, key=lambda root: (made[root], root), reverse=True))

    @property
    def size(self) -> int:
        """Number of rows when unfolded: one an edge and one a root."""
        return self._edges + len(self.roots)

    def __contains__(self, node: object) -> bool:
        return node in self._members


class Segment:
    """What the forward made after an event, and what is reachable from that; read on as the position moves on."""

    def __init__(self, store: Store, after: int) -> None:
        self._store = store
        self._until = after
        self._shown: dict[int, int] = {}
        """node -> event from which it is shown."""
        self._made: list[tuple[int, int]] = []
        """(event, node) of the nodes made in the segment, in order."""
        self._used: dict[int, int] = {}
        """node -> event of its first consumer."""
        self._uses: list[tuple[int, int]] = []
        self._edge_events: list[int] = []
        """Event of every edge, in order."""
        self._roots: set[tuple[int, int]] = set()
        self._roots_at = after

    def read(self, position: int) -> None:
        """Read the nodes made up to a position."""
        if position <= self._until:
            return
        for node in self._store.created(self._until, position):
            if node.id not in self._shown:
                self._made.append((node.event, node.id))
                self._show(node, node.event)
        self._until = position

    def _show(self, node: Node, event: int) -> None:
        """Show a node and what is reachable from it, from an event on."""
        self._shown[node.id] = event
        stack = [node]
        while stack:
            for edge in stack.pop().edges:
                if edge.to is None:
                    continue
                self._edge_events.append(event)
                if edge.to not in self._used:
                    self._used[edge.to] = event
                    self._uses.append((event, edge.to))
                if edge.to not in self._shown:
                    self._shown[edge.to] = event
                    found = self._store.node(edge.to)
                    if found is not None:
                        stack.append(found)

    def contains(self, node: int, position: int) -> bool:
        """Tell whether a node is shown at a position."""
        return self._shown.get(node, position + 1) <= position

    def roots(self, position: int) -> tuple[int, ...]:
        """Return the nodes that nothing shown consumes at a position, newest first.

        Only what changed since the last position asked for is looked at.
        """
        first, last = sorted((self._roots_at, position))
        is_forward = position > self._roots_at
        made = set(_between(self._made, first, last))
        used = {self._birth(node) for _, node in _between(self._uses, first, last)}
        if is_forward:
            self._roots = (self._roots | made) - used
        else:
            self._roots = (self._roots | {pair for pair in used if pair[0] <= position}) - made
        self._roots_at = position
        return tuple(node for _, node in sorted(self._roots, reverse=True))

    def _birth(self, node: int) -> tuple[int, int]:
        return (self._shown[node], node)

    def size(self, position: int) -> int:
        """Number of rows at a position."""
        return bisect_right(self._edge_events, position) + len(self.roots(position))


def _between(pairs: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Return the pairs with first < event <= last."""
    return pairs[bisect_right(pairs, (first, _LARGE)) : bisect_right(pairs, (last, _LARGE))]


_LARGE = 2**63
