"""The part of a graph that lies between some roots and one tensor: how many paths run through it, and each by number.

Paths are counted by dynamic programming with Python's integers (``x = x + x`` forty times has 2**40), and found by
their number without listing those before. All walks keep their own stack. Nothing here knows values or names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass

from gradb.frame.graph.scope import Consumer
from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Edge

End = tuple[int, int]
"""(node, which of its outputs)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One node on a path, seen from the root: where the path comes in and by which edge it leaves."""

    node: int
    output_nr: int
    """Which output of the node the gradient flows into."""
    index: int
    """Entry of the node's ``next_functions`` that leads on towards the target."""


class Dag:
    """The nodes on the paths from some roots to a target.

    Args:
        edges: the ``next_functions`` of a node.
        consumers: who feeds a node in the backward.
        allowed: the nodes that the engine runs, or may run.
        roots: where the paths begin; one given twice is two beginnings.
        target: where they end.

    Raises:
        TapeError: the graph has a cycle, which no real one has.
    """

    def __init__(
        self,
        edges: Callable[[int], Sequence[Edge]],
        consumers: Mapping[int, Sequence[Consumer]],
        allowed: AbstractSet[int],
        roots: Sequence[End],
        target: End,
    ) -> None:
        self.roots = tuple(roots)
        self.target = target
        self._ways: dict[int, int] = {}
        """node -> number of paths from it down to the target."""
        self.edges: dict[int, tuple[tuple[int, Edge], ...]] = {}
        """node -> its (entry, edge) on a path; none for the target."""
        members = self._climb(consumers, allowed)
        for node in members:
            self.edges[node] = tuple(
                (index, edge) for index, edge in enumerate(edges(node) if node != target[0] else ())
                if self._is_on_path(edge, members)
            )  # fmt: skip
        self.order = self._sorted()
        """The nodes on the paths, each before those that it feeds in the backward; the target is the last."""
        for node in reversed(self.order):
            ways = sum(self._ways[edge.to] for _, edge in self.edges[node] if edge.to is not None)
            self._ways[node] = 1 if node == target[0] else ways
        self.count = sum(self._ways_from(root) for root in self.roots)
        """How many paths there are."""

    def _climb(self, consumers: Mapping[int, Sequence[Consumer]], allowed: AbstractSet[int]) -> set[int]:
        """Return the target and everything above it."""
        target, number = self.target
        found = {target}
        stack = [node for node, _, output_nr in consumers.get(target, ()) if output_nr == number]
        while stack:
            node = stack.pop()
            if node not in found and node in allowed:
                found.add(node)
                stack.extend(consumer for consumer, _, _ in consumers.get(node, ()))
        return found

    def _is_on_path(self, edge: Edge, members: set[int]) -> bool:
        return edge.to in members and (edge.to != self.target[0] or edge.input_nr == self.target[1])

    def _sorted(self) -> list[int]:
        waiting = dict.fromkeys(self.edges, 0)
        for leaving in self.edges.values():
            for _, edge in leaving:
                if edge.to is not None:
                    waiting[edge.to] += 1
        ready = [node for node, count in waiting.items() if not count]
        order: list[int] = []
        while ready:
            node = ready.pop()
            order.append(node)
            for _, edge in self.edges[node]:
                if edge.to is not None:
                    waiting[edge.to] -= 1
                    if not waiting[edge.to]:
                        ready.append(edge.to)
        if len(order) != len(waiting):
            raise TapeError("The graph on the tape has a cycle: the tape is damaged.")
        return order

    def _ways_from(self, root: End) -> int:
        if root[0] == self.target[0]:
            return int(root == self.target)
        return self._ways.get(root[0], 0)

    def route(self, number: int) -> tuple[int, list[Step]]:
        """Return path ``number`` of 1..count: which root it begins at, and its steps down to the target.

        Raises:
            IndexError: there is no such path.
        """
        if not 1 <= number <= self.count:
            raise IndexError(number)
        left = number - 1
        for which, root in enumerate(self.roots):
            ways = self._ways_from(root)
            if left < ways:
                return which, self._descend(root, left)
            left -= ways
        raise IndexError(number)

    def _descend(self, root: End, left: int) -> list[Step]:
        node, output_nr = root
        steps: list[Step] = []
        while node != self.target[0]:
            for index, edge in self.edges[node]:
                ways = self._ways[edge.to] if edge.to is not None else 0
                if left < ways and edge.to is not None:
                    steps.append(Step(node, output_nr, index))
                    node, output_nr = edge.to, edge.input_nr
                    break
                left -= ways
        return steps
