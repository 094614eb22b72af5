"""A stretch of the drawn graph, from a node that every path comes through to the next such node.

Nodes are taken newest first, which is the order in which the engine runs them. What lies on no way around is flat: the
node that all that was begun comes together in again keeps the indent of the node it began at, and only what branches
off in between is indented (the tree of dominators). So a chain is flat however long it is, and a residual network is a
trunk with short branches. A stretch depends on nothing above it, so that it is laid out once for all positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from gradb.tape.kinds.graph import Edge

_EVERY = 16  # of the nodes at which a stretch may end it ends at one in so many, so that others end there too
_ENOUGH = 256  # nodes after which it ends at any node that every path comes through
_MOST = 2000  # nodes after which it ends anywhere

_NOTHING = -1  # what dominates the starts


@dataclass(frozen=True, slots=True)
class Exit:
    """A node at which the next stretch begins."""

    node: int
    owner: int
    """Local row of the consumer under which it is drawn; -1 where that is further above."""
    entry: int
    """Which entry of the owner's ``next_functions`` leads there."""


@dataclass(frozen=True, slots=True)
class Region:
    """The rows of a stretch: parallel sequences, one item a row."""

    nodes: Sequence[int]
    parents: Sequence[int]
    """Local row of the consumer; -1 for a start."""
    entries: Sequence[int]
    """Which entry of the parent's ``next_functions`` leads here; -1 for a start."""
    indents: Sequence[int]
    heads: Sequence[bool]
    """True where a line of the tree begins: a branch, or one of several starts; what goes on from above begins none."""
    lanes: Sequence[int]
    """Bit k: the line at indent k goes on below the row."""
    depths: Sequence[int]
    """Edges from a start."""
    origins: Sequence[int]
    """Which of the starts the depth counts from."""
    places: dict[int, int]
    """node -> the row that draws it in full; leaves are not among them, but for a start that is one."""
    leaves: Sequence[tuple[int, int]]
    """(row, leaf) of the rows that show a leaf."""
    odd: Sequence[int]
    """Nodes that are newer than every start, which those of a sound tape are not."""
    exits: Sequence[Exit]

    def __len__(self) -> int:
        return len(self.nodes)


def region(starts: Sequence[int], edges: Callable[[int], Sequence[Edge]]) -> Region:
    """Lay out the stretch that begins at some nodes; several of them are the roots of a graph."""
    chain = _chain(starts[0], edges) if len(starts) == 1 else None
    if chain is not None:
        return chain
    growth = _Growth(starts, edges)
    growth.grow()
    return _Writing(growth).write()


def _is_border(node: int) -> bool:
    """Tell whether a stretch ends before a node, whatever root it began at: by its id, well mixed, since the ids of
    equal blocks have a period.
    """
    return (node * 0x9E3779B1 >> 15) % _EVERY == 0


def _chain(start: int, edges: Callable[[int], Sequence[Edge]]) -> Region | None:
    """Lay out a stretch that is a chain, as most of a long graph may be; None where it is none."""
    nodes, entries = list[int](), [-1]
    node = start
    while not nodes or not (_is_border(node) or len(nodes) >= _ENOUGH):
        below = [(at, edge.to) for at, edge in enumerate(edges(node)) if edge.to is not None]
        if len(below) != 1 or (nodes and node >= nodes[-1]):
            return None
        nodes.append(node)
        entry, node = below[0]
        entries.append(entry)
    if node >= nodes[-1] or all(edge.to is None for edge in edges(node)):
        return None
    count = len(nodes)
    return Region(
        nodes=nodes, parents=range(-1, count - 1), entries=entries[:-1], indents=[0] * count, heads=[False] * count,
        lanes=[1] * count, depths=range(count), origins=[0] * count,
        places=dict(zip(nodes, range(count), strict=True)), leaves=(), odd=(),
        exits=(Exit(node, count - 1, entries[-1]),),
    )  # fmt: skip


class _Growth:
    """Which nodes belong to a stretch, newest first, and what dominates each."""

    def __init__(self, starts: Sequence[int], edges: Callable[[int], Sequence[Edge]]) -> None:
        self.starts = tuple(starts)
        self.tops = frozenset(starts)
        self.order: list[int] = []
        self.edges: dict[int, list[tuple[int, int]]] = {}
        """node -> its (entry, other node)."""
        self.consumers: dict[int, list[tuple[int, int]]] = {start: [] for start in starts}
        """node -> (consumer, entry)."""
        self.dominators: dict[int, int] = {}
        self._depths = {_NOTHING: 0}
        self._edges = edges
        self.heap = [-start for start in sorted(starts, reverse=True)]

    def grow(self) -> None:
        """Take nodes until every path comes through one, and there are enough."""
        while self.heap and not self._is_enough():
            node = -heappop(self.heap)
            self.order.append(node)
            self._place(node)
            for entry, to in self.below(node):
                if self.is_leaf(to) or to in self.dominators:  # met again where the tape is damaged
                    continue
                if to not in self.consumers:
                    self.consumers[to] = []
                    heappush(self.heap, -to)
                self.consumers[to].append((node, entry))

    def _is_enough(self) -> bool:
        count = len(self.order)
        if count < len(self.starts):  # those that nothing leads to, leaves that nothing uses among them, stay together
            return False
        if len(self.heap) == 1 and count:
            return _is_border(-self.heap[0]) or count >= _ENOUGH
        return count >= _MOST

    def is_leaf(self, node: int) -> bool:
        """Tell whether nothing is below a node."""
        return not self.below(node)

    def below(self, node: int) -> list[tuple[int, int]]:
        """Return the (entry, other node) that a node leads to."""
        known = self.edges.get(node)
        if known is None:
            edges = self._edges(node)
            known = self.edges[node] = [(at, edge.to) for at, edge in enumerate(edges) if edge.to is not None]
        return known

    def _place(self, node: int) -> None:
        above = self.dominators[node] = self.dominator(node)
        self._depths[node] = self._depths[above] + 1

    def dominator(self, node: int) -> int:
        """Return the nearest node that all paths from the starts to a node come through; -1 for none."""
        if node in self.tops:
            return _NOTHING
        consumers = self.consumers[node]
        found = consumers[0][0]
        for consumer, _ in consumers[1:]:
            found = self._meeting(found, consumer)
        return found

    def _meeting(self, one: int, other: int) -> int:
        """Return the nearest node that dominates two, or is one of them."""
        while one != other:
            if self._depths[one] >= self._depths[other]:
                one = self.dominators[one]
            else:
                other = self.dominators[other]
        return one


class _Writing:
    """Writes the rows of a stretch."""

    def __init__(self, growth: _Growth) -> None:
        self._growth = growth
        self._exits = [-node for node in sorted(growth.heap)]
        self._end = growth.dominator(self._exits[0]) if len(self._exits) == 1 else None
        """What the one exit is drawn under, at the same indent."""
        self._children: dict[int, list[int]] = {}
        self._order_children()
        self._owners: dict[int, tuple[int, int]] = {}
        """node -> (consumer, entry) that it is drawn under."""
        self._nodes: list[int] = []
        self._parents: list[int] = []
        self._entries: list[int] = []
        self._indents: list[int] = []
        self._heads: list[bool] = []
        self._places: dict[int, int] = {}
        self._leaves: list[tuple[int, int]] = []

    def _order_children(self) -> None:
        """Find what each node dominates: branches the newest first, then what goes on flat."""
        growth, weights = self._growth, dict.fromkeys(self._growth.order, 1)
        for node in growth.order:
            self._children.setdefault(growth.dominators[node], []).append(node)
        for node in reversed(growth.order):
            above = growth.dominators[node]
            if above != _NOTHING:
                weights[above] += weights[node]
        trunk = _NOTHING if self._end is None else self._end
        while trunk != _NOTHING:
            weights[trunk] = len(growth.order) + 1
            trunk = growth.dominators[trunk]
        for above, children in self._children.items():
            heaviest = max(children, key=lambda child: (weights[child], -child))
            is_trunk = weights[heaviest] > len(growth.order)
            if is_trunk or not (above in {_NOTHING, self._end} or self._is_join(children[-1], above)):
                children.remove(heaviest)
                children.append(heaviest)

    def _is_join(self, node: int, above: int) -> bool:
        """Tell whether branches come together in a node again: then it is drawn after them."""
        return any(consumer != above for consumer, _ in self._growth.consumers[node])

    def write(self) -> Region:
        """Return the rows."""
        self._find_owners()
        are_many, tops = len(self._growth.starts) > 1, reversed(self._children.get(_NOTHING, []))
        stack = [(node, 0, are_many and node in self._growth.tops) for node in tops]
        while stack:
            node, indent, is_head = stack.pop()
            row = self._append_full(node, indent, is_head)
            stack.extend(reversed(self._below(node, row, indent)))
        depths, origins = self._climbed()
        exits = tuple(Exit(node, *self._exit_of(node)) for node in self._exits)
        newest = max(self._growth.starts)
        return Region(
            nodes=self._nodes, parents=self._parents, entries=self._entries, indents=self._indents, heads=self._heads,
            lanes=self._lanes(), depths=depths, origins=origins, places=self._places, leaves=self._leaves,
            odd=[node for node in self._places if node > newest], exits=exits,
        )  # fmt: skip

    def _find_owners(self) -> None:
        """Find which consumer each node is drawn under: of those drawn above it the last."""
        ranks: dict[int, int] = {}
        stack = list(reversed(self._children.get(_NOTHING, [])))
        while stack:
            node = stack.pop()
            ranks[node] = len(ranks)
            stack.extend(reversed(self._children.get(node, [])))
        for node in (*self._growth.order, *self._exits):
            if node in self._growth.tops:
                continue
            rank = ranks.get(node, len(ranks))
            above = [(ranks[one], -entry) for one, entry in self._growth.consumers[node] if ranks[one] < rank]
            if above:
                last, entry = max(above)
                owner = next(one for one, _ in self._growth.consumers[node] if ranks[one] == last)
                self._owners[node] = (owner, -entry)

    def _below(self, node: int, row: int, indent: int) -> list[tuple[int, int, bool]]:
        """Write the leaves and references under a node; return what is to be drawn in full: (node, indent, head)."""
        growth, children = self._growth, self._children.get(node, [])
        small = [(entry, to) for entry, to in growth.below(node) if self._owners.get(to) != (node, entry)]
        is_chain = len(small) == 1 and not children and node != self._end
        for entry, to in small:
            if growth.is_leaf(to):
                self._leaves.append((len(self._nodes), to))
            self._append(to, row, entry, indent if is_chain else indent + 1, not is_chain)
        goes_on = [] if node == self._end else children[-1:]
        branches = children if node == self._end else children[:-1]
        return [*((child, indent + 1, True) for child in branches), *((child, indent, False) for child in goes_on)]

    def _append_full(self, node: int, indent: int, is_head: bool) -> int:
        consumer, entry = self._owners.get(node, (None, -1))
        row = self._places[node] = len(self._nodes)
        self._append(node, -1 if consumer is None else self._places[consumer], entry, indent, is_head)
        return row

    def _append(self, node: int, parent: int, entry: int, indent: int, is_head: bool) -> None:
        self._nodes.append(node)
        self._parents.append(parent)
        self._entries.append(entry)
        self._indents.append(indent)
        self._heads.append(is_head)

    def _lanes(self) -> list[int]:
        """Return which lines of the tree go on below each row, looking from the last row up."""
        alive = int(len(self._exits) == 1)
        lanes = [0] * len(self._nodes)
        for row in range(len(lanes) - 1, -1, -1):
            indent = self._indents[row]
            alive &= (2 << indent) - 1
            lanes[row] = alive
            if not self._heads[row]:
                alive |= 1 << indent
            else:
                alive &= ~(1 << indent)
                if indent:
                    alive |= 1 << (indent - 1)
        return lanes

    def _climbed(self) -> tuple[list[int], list[int]]:
        """Return how deep each row is below a start, and below which."""
        starts = {start: index for index, start in enumerate(self._growth.starts)}
        depths, origins = list[int](), list[int]()
        for node, parent in zip(self._nodes, self._parents, strict=True):
            depths.append(0 if parent < 0 else depths[parent] + 1)
            origins.append(starts[node] if parent < 0 else origins[parent])
        return depths, origins

    def _exit_of(self, node: int) -> tuple[int, int]:
        """Return (local row of the owner, entry) of an exit."""
        consumer, entry = self._owners.get(node, (None, -1))
        return (-1 if consumer is None else self._places[consumer]), entry
