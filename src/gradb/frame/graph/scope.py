"""Which nodes are shown: what a backward can reach, or what the forward made since the last backward.

Both grow edge by edge from nodes of the tape and never look at a node twice; a large graph is read a little at a time
where somebody waits. Neither knows rows or states.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from gradb.frame.edges import End
from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Edge

Consumer = tuple[int, int, int]
"""(node, its entry of ``next_functions``, output number of the node it feeds)."""


_SPANS = 256  # spans in a block
_BLOCK = 512  # nodes read at once: neighbours in the graph have neighbouring ids
_STRETCH = 500  # nodes after which there is a look whether to go on
_NEVER = 2**62  # an event that no tape has


def edges_of(store: Store, node: int) -> tuple[Edge, ...]:
    """Return the edges of a node; none where the tape does not have the node."""
    found = store.node(node)
    return found.edges if found is not None else ()


class Reach:
    """Everything reachable from the roots of one backward, once it is read."""

    def __init__(self, store: Store, roots: Sequence[int]) -> None:
        self.consumers: dict[int, list[Consumer]] = {}
        """Who feeds a node in the backward: the nodes above it."""
        self.roots: tuple[int, ...] = ()
        self.is_read = False
        self._store, self._begun_at = store, tuple(dict.fromkeys(roots))
        self._members: set[int] = set()
        self._edges = 0
        self._steps: Iterator[int] | None = None

    def reading(self) -> Iterator[int]:
        """Read on; yield now and then how many nodes are read. What somebody else has read by then is read.

        Raises:
            TapeError: the tape is damaged.
        """
        while not self.is_read:
            if self._steps is None:
                self._steps = self._read()
            try:
                count = next(self._steps, None)
            except TapeError:
                self._steps = None
                raise
            if count is not None:
                yield count

    def _read(self) -> Iterator[int]:
        self.consumers, self._members, self._edges = {}, set(), 0
        stack, blocks = list(self._begun_at), dict[int, dict[int, list[End]]]()
        while stack:
            self._visit(stack, blocks)
            yield len(self._members)
        self.roots = self._tops()
        if self._members and not self.roots:
            raise TapeError("The graph on the tape has a cycle: the tape is damaged.")
        self._steps, self.is_read = None, True

    def _visit(self, stack: list[int], blocks: dict[int, dict[int, list[End]]]) -> None:
        """Visit some nodes more."""
        members, consumers, most = self._members, self.consumers, len(self._members) + _STRETCH
        while stack and len(members) < most:
            node = stack.pop()
            if node in members:
                continue
            members.add(node)
            block = blocks.get(key := node // _BLOCK)
            if block is None:
                block = blocks[key] = self._store.ends(key * _BLOCK, key * _BLOCK + _BLOCK - 1)
            for index, (to, number) in enumerate(block.pop(node, ())):  # it is visited once
                if to is not None:
                    self._edges += 1
                    if to in consumers:
                        consumers[to].append((node, index, number))
                    else:
                        consumers[to] = [(node, index, number)]
                    stack.append(to)

    def _tops(self) -> tuple[int, ...]:
        tops = [root for root in self._begun_at if root not in self.consumers]
        made = {root: node.event if (node := self._store.node(root)) else 0 for root in tops}
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

    def reading(self, position: int) -> Iterator[int]:
        """Read the nodes made up to a position; yield now and then how many are read.

        Raises:
            TapeError: the tape is damaged.
        """
        if position <= self._until:
            return
        for count, (node, event, leads) in enumerate(self._store.linked(self._until, position)):
            if count % _STRETCH == _STRETCH - 1:
                self._until = max(self._until, event - 1)  # of an event there may be more nodes than were read by now
                yield len(self._shown)
            if node not in self._shown:
                self._made.begin(node, event)
                self._shown[node] = event
                self._show(leads, event)
        self._until = max(self._until, position)

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
