"""A Frame's door to paths: those of the backward that its position is in or after, and whose paths are meant."""

from __future__ import annotations

from functools import cached_property

from gradb.frame.chain.factors import Settle
from gradb.frame.chain.path import PathEnd
from gradb.frame.chain.pathfinder import MAX_LEAVES, PathFinder
from gradb.frame.chain.paths import Paths
from gradb.frame.graph.dag import End
from gradb.frame.graph.runs import Backward


class PathsAt:
    """The paths of the backward that a position is in, or that ended last before it."""

    def __init__(self, finder: PathFinder, position: int, settle: Settle | None = None) -> None:
        self._finder = finder
        self._graphs = finder.graphs
        self._position = position
        self._settle = settle
        self._settled: PathsAt | None = None
        self._found: dict[End, Paths | None] = {}

    def with_settling(self, settle: Settle) -> PathsAt:
        """Return the same with local derivatives as ``settle`` makes them where a measured one has a NaN."""
        if self._settled is None or self._settled._settle is not settle:
            self._settled = PathsAt(self._finder, self._position, settle)
        return self._settled

    @cached_property
    def backward(self) -> Backward | None:
        """That backward; None before the first."""
        moment = self._graphs.runs.moment(self._position)
        return None if moment is None else moment.backward

    @cached_property
    def leaves(self) -> tuple[PathEnd, ...]:
        """The tensors that the backward was asked for: its ``inputs``, else the leaves, at most ``MAX_LEAVES``."""
        if self.backward is None:
            return ()
        inputs = self._finder.inputs(self.backward)
        ends = inputs if inputs is not None else [(node, 0) for node in self._finder.leaves(self.backward.start)]
        return tuple(self._end(*end) for end in ends[:MAX_LEAVES] if end[0])

    @cached_property
    def default(self) -> PathEnd | None:
        """The leaf that the event at the position is about, else the first."""
        event = self._graphs.store.event(self._position) if self._position else None
        here = next((leaf for leaf in self.leaves if event is not None and leaf.node == event.node), None)
        return here or next(iter(self.leaves), None)

    def named(self, name: str) -> PathEnd | None:
        """Return what a name means: a leaf of this backward, or any tensor that it reached; None for nothing of it."""
        leaf = next((leaf for leaf in self.leaves if leaf.name == name), None)
        if leaf is not None:
            return leaf
        tensor = self._graphs.naming.tensor(name, self._position)
        found = None if tensor is None else self._graphs.store.defined_at(tensor, self._position)
        if found is None or found[1] is None:
            return None
        end = self._end(found[1], found[2], name)
        return end if self.of(end) is not None else None

    def chosen(self, name: str = "", node: int | None = None) -> Paths | None:
        """Return the paths to what is called ``name``, else to a node, else to the default; None for none of them."""
        if name:
            target = self.named(name)
            return None if target is None else self.of(target)
        if node is not None:
            return self.of_node(node)
        return None if self.default is None else self.of(self.default)

    def of_node(self, node: int) -> Paths | None:
        """Return the paths to a leaf, or to the first output of any node; None where the backward does not reach it."""
        leaf = next((leaf for leaf in self.leaves if leaf.node == node), None)
        return self.of(leaf or self._end(node, 0))

    def of(self, target: PathEnd) -> Paths | None:
        """Return the paths to a tensor; None where the backward does not reach it."""
        key = (target.node, target.output_nr)
        if key not in self._found:
            self._found[key] = None if self.backward is None else self._reached(self.backward, target)
        return self._found[key]

    def _reached(self, backward: Backward, target: PathEnd) -> Paths | None:
        key = (target.node, target.output_nr)
        if target.node in backward.nodes or any(key == (leaf.node, leaf.output_nr) for leaf in self.leaves):
            return Paths(self._finder, self._position, self._settle, backward, target)
        return None

    def _end(self, node: int, output_nr: int, name: str | None = None) -> PathEnd:
        return self._finder.end(self._position, node, output_nr, name)
