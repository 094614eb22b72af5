"""Where paths begin and end in the backward that a position is in or after, and what the engine made of them.

``PathsAt`` is a Frame's door to the paths at its position; ``PathFinder`` keeps what several positions share.
"""

from __future__ import annotations

from functools import cached_property
from itertools import islice

from gradb.tape.cache import Cache
from gradb.tape.chain import Chains
from gradb.tape.dag import Dag, End
from gradb.tape.events import AccumulateDetail, BackwardEndDetail, BackwardStartDetail, HookDetail, NodeStartDetail
from gradb.tape.factors import Known, Settle
from gradb.tape.graph import Graphs
from gradb.tape.paths import MAX_COUNTED, Made, PathEnd, Paths
from gradb.tape.runs import Backward
from gradb.tape.scope import edges_of
from gradb.tape.values import TensorValue

MAX_LEAVES = 1000
_ON_ARRIVAL = frozenset({"tensor", "node pre", "module pre"})
_Key = tuple[int, End]


class PathFinder:
    """Finds the paths of one tape."""

    def __init__(self, graphs: Graphs, chains: Chains) -> None:
        self.graphs = graphs
        self.chains = chains
        self._store = graphs.store
        self.dag: Cache[_Key, Dag | None] = Cache(self._between, 16)
        """What lies between the roots of a backward (seq of its start) and a tensor; None where that is too much."""
        self.known: Cache[tuple[int, Settle | None], Known] = Cache(lambda key: Known(), 4)
        """The Jacobians that were read of a backward (seq of its start), settled at singular points or as measured."""
        self.leaves = Cache(self._fills, 8)
        """The nodes of the leaves that a backward (seq of its start) fills."""

    def at(self, position: int) -> PathsAt:
        """Return the paths at a position."""
        return PathsAt(self, position)

    def _between(self, key: _Key) -> Dag | None:
        start, end = key
        backward = self.graphs.runs.backward(start)
        if backward is None or len(backward.nodes) > MAX_COUNTED:
            return None
        roots = [(root.node, root.output_nr) for root in backward.roots if root.node is not None]
        allowed = backward.nodes | {end[0]}
        consumers = self.graphs.reach(start).consumers
        return Dag(lambda node: edges_of(self._store, node), consumers, allowed, roots, end)

    def inputs(self, backward: Backward) -> list[End] | None:
        """Return the tensors that a backward was asked for; None where all leaves are meant."""
        detail = self._store.detail(backward.start)
        if not isinstance(detail, BackwardStartDetail) or detail.inputs is None:
            return None
        return [(tensor.node or 0, tensor.output_nr) for tensor in detail.inputs]

    def _fills(self, start: int) -> tuple[int, ...]:
        """Return the nodes of the leaves that a backward fills, in the order of their appearance."""
        backward = self.graphs.runs.backward(start)
        rows = self._store.db.all("SELECT id FROM node WHERE kind = 'accumulate' ORDER BY event, id")
        found = (node for (node,) in rows if backward is not None and node in backward.nodes)
        return tuple(islice(found, MAX_LEAVES))

    # --- what the engine made -----------------------------------------------------------------------------------------

    def hooks(self, backward: Backward, position: int) -> list[tuple[int, HookDetail]]:
        """Return (node, detail) of the hooks that changed a gradient in a backward up to a position."""
        rows = self._store.db.all(
            "SELECT seq, node FROM event WHERE kind = 'hook' AND seq > ? AND seq <= ? ORDER BY seq",
            backward.start,
            position,
        )
        found = [(node, detail) for seq, node in rows if isinstance(detail := self._store.detail(seq), HookDetail)]
        return [(node, one) for node, one in found if one.has_run and one.is_changed and one.backward == backward.start]

    def made(self, backward: Backward, end: End, position: int) -> Made:
        """Return the gradient of a tensor as the engine produced it in a backward, as far as a position knows it."""
        value, source, event = self._sent(backward, end, position)
        node, output_nr = end
        changes = [
            detail
            for where, detail in self.hooks(backward, position)
            if where == node
            and detail.kind in _ON_ARRIVAL
            and (detail.kind != "tensor" or detail.output_nr == output_nr)
        ]
        if not changes:
            return Made(value, source, event)
        before, after = _of(changes[0], output_nr), _of(changes[-1], output_nr)
        names = ", ".join(dict.fromkeys(detail.function for detail in changes))
        return Made(before[0], source, event, names, after[1])

    def _sent(self, backward: Backward, end: End, position: int) -> tuple[TensorValue | None, str, int | None]:
        inputs = self.inputs(backward)
        if inputs is not None and end in inputs:
            returned = self._returned(backward, inputs.index(end), position)
            if returned is not None:
                return returned
        rows = self._store.db.all(
            "SELECT seq FROM event WHERE node = ? AND seq > ? AND seq <= ? AND +kind IN ('node_start', 'accumulate')"
            " ORDER BY seq DESC",
            end[0],
            backward.start,
            position,
        )
        for (seq,) in rows:
            detail = self._store.detail(seq)
            if isinstance(detail, AccumulateDetail) and detail.backward == backward.start:
                return detail.added, "added to .grad", seq
            if isinstance(detail, NodeStartDetail) and detail.backward == backward.start:
                got = detail.upstream[end[1]] if end[1] < len(detail.upstream) else None
                return None if got is None else got.value, "upstream", seq
        return None, "", None

    def _returned(self, backward: Backward, index: int, position: int) -> tuple[TensorValue | None, str, int] | None:
        """Return what ``autograd.grad`` returned for one of its inputs."""
        rows = self._store.db.all(
            "SELECT seq FROM event WHERE kind = 'backward_end' AND seq > ? AND seq <= ? ORDER BY seq",
            backward.start,
            position,
        )
        for (seq,) in rows:
            detail = self._store.detail(seq) if self._store.first(seq) == backward.start else None
            if isinstance(detail, BackwardEndDetail):
                result = detail.results[index] if index < len(detail.results) else None
                return None if result is None else (result.value, "returned by grad()", seq)
        return None


def _of(detail: HookDetail, output_nr: int) -> tuple[TensorValue | None, TensorValue | None]:
    """Return what a hook was given for one output of its node, and what it made of it."""
    at = 0 if detail.kind == "tensor" else output_nr
    given, made = (items[at] if at < len(items) else None for items in (detail.before, detail.after))
    return (None if given is None else given.value), (None if made is None else made.value)


class PathsAt:
    """The paths of the backward that a position is in, or that ended last before it."""

    def __init__(self, finder: PathFinder, position: int, settle: Settle | None = None) -> None:
        self.finder = finder
        self.graphs = finder.graphs
        self.position = position
        self.settle = settle
        self._settled: PathsAt | None = None
        self._found: dict[End, Paths | None] = {}

    def with_settling(self, settle: Settle) -> PathsAt:
        """Return the same with local derivatives as ``settle`` makes them where a measured one has a NaN."""
        if self._settled is None or self._settled.settle is not settle:
            self._settled = PathsAt(self.finder, self.position, settle)
        return self._settled

    @cached_property
    def backward(self) -> Backward | None:
        """That backward; None before the first."""
        moment = self.graphs.runs.moment(self.position)
        return None if moment is None else moment.backward

    @cached_property
    def leaves(self) -> tuple[PathEnd, ...]:
        """The tensors that the backward was asked for: its ``inputs``, else the leaves, at most ``MAX_LEAVES``."""
        if self.backward is None:
            return ()
        inputs = self.finder.inputs(self.backward)
        ends = inputs if inputs is not None else [(node, 0) for node in self.finder.leaves(self.backward.start)]
        return tuple(self.end(*end) for end in ends[:MAX_LEAVES] if end[0])

    @cached_property
    def default(self) -> PathEnd | None:
        """The leaf that the event at the position is about, else the first."""
        event = self.graphs.store.event(self.position) if self.position else None
        here = next((leaf for leaf in self.leaves if event is not None and leaf.node == event.node), None)
        return here or next(iter(self.leaves), None)

    def named(self, name: str) -> PathEnd | None:
        """Return what a name means: a leaf of this backward, or any tensor that it reached; None for nothing of it."""
        leaf = next((leaf for leaf in self.leaves if leaf.name == name), None)
        if leaf is not None:
            return leaf
        tensor = self.graphs.naming.tensor(name, self.position)
        found = None if tensor is None else self.graphs.store.defined_at(tensor, self.position)
        if found is None or found[1] is None:
            return None
        end = self.end(found[1], found[2], name)
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
        return self.of(leaf or self.end(node, 0))

    def of(self, target: PathEnd) -> Paths | None:
        """Return the paths to a tensor; None where the backward does not reach it."""
        key = (target.node, target.output_nr)
        if key not in self._found:
            is_reached = self.backward is not None and (
                target.node in self.backward.nodes or any(key == (leaf.node, leaf.output_nr) for leaf in self.leaves)
            )
            self._found[key] = Paths(self, self.backward, target) if self.backward is not None and is_reached else None
        return self._found[key]

    def end(self, node: int, output_nr: int, name: str | None = None) -> PathEnd:
        """Return a tensor with the name that it has at the position."""
        found = self.graphs.store.node(node)
        label = self.graphs.label(node, self.position, output_nr)
        if not (name or label) and found is not None and found.tensor is not None:
            label = f"leaf #{found.tensor}"
        return PathEnd(node, output_nr, name or label or (found.name if found else ""), bool(name or label))

    def like(self, target: PathEnd) -> TensorValue | None:
        """Return a tensor that has the shape of a target, where one is known."""
        output = self.graphs.output(target.node, self.position)
        if output is not None and output.output_nr == target.output_nr:
            return output.value
        paths = self.of(target)
        return None if paths is None else paths.made.value

    def place(self, node: int, detail: HookDetail) -> str:
        """Say which hook it is, and where it hangs."""
        where = f" ({detail.where})" if detail.where else ""
        return f"{detail.function}{where} at {self.end(node, detail.output_nr).name}"
