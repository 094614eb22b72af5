"""Which nodes are shown: what a backward can reach, or what the forward made since the last backward.

Both grow edge by edge from nodes of the tape and never look at a node twice. Neither knows rows or states.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence

from gradb.frame.edges import End
from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Edge

Consumer = tuple[int, int, int]
"""(node, its entry of ``next_functions``, output number of the node it feeds)."""


_SPANS = 256  # spans in a block
_BLOCK = 64  # nodes read at once: neighbours in the graph have neighbouring ids
_NEVER = 2**62  # an event that no tape has


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
        stack, blocks = list(dict.fromkeys(roots)), dict[int, dict[int, list[End]]]()
        while stack:
            self._visit(store, stack.pop(), stack, blocks)
        self.roots = self._tops(store, roots)
        if self._members and not self.roots:
            raise TapeError("The graph on the tape has a cycle: the tape is damaged.")

    def _visit(self, store: Store, node: int, stack: list[int], blocks: dict[int, dict[int, list[End]]]) -> None:
        if node in self._members:
            return
        self._members.add(node)
        key = node // _BLOCK
        if key not in blocks:
            blocks[key] = store.ends(key * _BLOCK, key * _BLOCK + _BLOCK - 1)
        for index, (to, number) in enumerate(blocks[key].get(node, ())):
            if to is not None:
                self._edges += 1
                self.consumers.setdefault(to, []).append((node, index, number))
                stack.append(to)

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
        self._made = Spans()
        self._used: set[int] = set()
        """Nodes that have a consumer."""
        self._edge_events = array("q")
        """Event of every edge, in order."""

    @property
    def weight(self) -> int:
        """How many nodes it holds."""
        return len(self._shown)

    def read(self, position: int) -> None:
        """Read the nodes made up to a position."""
        if position <= self._until:
            return
        for node, event, leads in self._store.linked(self._until, position):
            if node not in self._shown:
                self._made.begin(node, event)
                self._shown[node] = event
                self._show(leads, event)
        self._until = position

    def _show(self, leads: list[int], event: int) -> None:
        """Show what a node leads to and all that is reachable from that, from an event on."""
        stack, shown, used = leads, self._shown, self._used
        while stack:
            to = stack.pop()
            self._edge_events.append(event)
            if to not in used:
                used.add(to)
                self._made.end(to, event)
            if to not in shown:
                shown[to] = event
                stack.extend(edge.to for edge in edges_of(self._store, to) if edge.to is not None)

    def contains(self, node: int, position: int) -> bool:
        """Tell whether a node is shown at a position."""
        return self._shown.get(node, position + 1) <= position

    def roots(self, position: int) -> tuple[int, ...]:
        """Return the nodes that nothing shown consumes at a position, newest first."""
        return tuple(node for _, node in sorted(self._made.at(position), reverse=True))

    def size(self, position: int) -> int:
        """Number of rows at a position."""
        return bisect_right(self._edge_events, position) + len(self.roots(position))


class Spans:
    """From which event on, and up to which, each of many nodes is a root; they begin in order."""

    def __init__(self) -> None:
        self._nodes = array("q")
        self._begins = array("q")
        self._ends = array("q")
        self._latest: list[int] = []
        """The latest end in each block of spans, or a later event: what is over everywhere need not be looked at."""
        self._running: list[int] = []
        """How many in each block have no end."""
        self._places: dict[int, int] = {}
        """node -> its place, of those that have no end."""

    def begin(self, node: int, event: int) -> None:
        """Let a node be a root from an event on."""
        place = self._places[node] = len(self._nodes)
        if place % _SPANS == 0:
            self._latest.append(_NEVER)
            self._running.append(0)
        self._running[-1] += 1
        self._nodes.append(node)
        self._begins.append(event)
        self._ends.append(_NEVER)

    def end(self, node: int, event: int) -> None:
        """Let it be none any more from an event on."""
        place = self._places.pop(node, None)
        if place is None:
            return
        self._ends[place] = event
        block = place // _SPANS
        self._running[block] -= 1
        if not self._running[block] and len(self._nodes) >= (block + 1) * _SPANS:
            self._latest[block] = max(self._ends[block * _SPANS : (block + 1) * _SPANS])

    def at(self, position: int) -> list[tuple[int, int]]:
        """Return (event, node) of the roots at a position."""
        count = bisect_right(self._begins, position)
        blocks = (block for block in range(-(-count // _SPANS)) if self._latest[block] > position)
        places = (place for block in blocks for place in range(block * _SPANS, min((block + 1) * _SPANS, count)))
        return [(self._begins[place], self._nodes[place]) for place in places if self._ends[place] > position]
