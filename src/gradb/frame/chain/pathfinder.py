"""Where paths begin and end in a backward, and what the engine made of them: what the positions of a tape share."""

from __future__ import annotations

from itertools import islice

from gradb.frame.cache import Cache
from gradb.frame.chain.chain import Chains
from gradb.frame.chain.factors import Known, Settle
from gradb.frame.chain.path import Made, PathEnd
from gradb.frame.graph.dag import Dag, End
from gradb.frame.graph.graph import Graphs
from gradb.frame.graph.runs import Backward
from gradb.frame.graph.scope import edges_of
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.registry import CODES, numbers_of
from gradb.tape.values import TensorValue

MAX_COUNTED = 100_000  # nodes between: more would hold up the screen, the count alone having that many digits
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

    def _between(self, key: _Key) -> Dag | None:
        start, end = key
        backward = self.graphs.runs.backward(start)
        if backward is None or len(backward.nodes) > MAX_COUNTED:
            return None
        roots = [(root.node, root.output_nr) for root in backward.roots if root.node is not None]
        allowed = backward.nodes | {end[0]}
        consumers = self.graphs.shown.reach(start).consumers
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

    def end(self, position: int, node: int, output_nr: int, name: str | None = None) -> PathEnd:
        """Return a tensor with the name that it has at a position."""
        found = self._store.node(node)
        label = self.graphs.label(node, position, output_nr)
        if not (name or label) and found is not None and found.tensor is not None:
            label = f"leaf #{found.tensor}"
        return PathEnd(node, output_nr, name or label or (found.name if found else ""), bool(name or label))

    # --- what the engine made -----------------------------------------------------------------------------------------

    def hooks(self, backward: Backward, position: int) -> list[tuple[int, HookDetail]]:
        """Return (node, detail) of the hooks that changed a gradient in a backward up to a position."""
        rows = self._store.db.all(
            f"SELECT seq, node FROM event WHERE kind = {CODES['hook']} AND seq > ? AND seq <= ? ORDER BY seq",
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
            "SELECT seq FROM event WHERE node = ? AND seq > ? AND seq <= ?"
            f" AND +kind IN ({numbers_of('node_start', 'accumulate')}) ORDER BY seq DESC",
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
            f"SELECT seq FROM event WHERE kind = {CODES['backward_end']} AND seq > ? AND seq <= ? ORDER BY seq",
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
