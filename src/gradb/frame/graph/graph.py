"""The graph at a position: its rows, and for each row label, state, shape and expression, when asked.

``Graphs`` keeps what several positions share (which nodes are shown, how they unfold), so that stepping through a
backward unfolds nothing twice. ``Graph`` is one position's view of it.
"""

from __future__ import annotations

import contextlib

from gradb.frame.cache import Cache
from gradb.frame.graph.runs import BackwardAt, Runs
from gradb.frame.graph.scope import Reach, Segment, edges_of
from gradb.frame.graph.unfold import Unfolding
from gradb.frame.graph.view import GraphRow, NodeState
from gradb.frame.naming import Naming
from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.tensor import Tensor

_MAX_PATH = 200  # entries of next_functions in one expression; a longer one is of no use to anybody
_KEPT, _MOST = 32, 250_000  # graphs that are kept, and the rows or nodes of all of them
_SCREEN = 64  # rows of which what is asked is read at once
_MAX_WITHOUT_GRAPH = 100  # backwards without a graph, one after the other, that are passed over


class Graph:
    """A ``GraphView``: the graph at one position."""

    def __init__(self, graphs: Graphs, position: int) -> None:
        self.position = position
        self.current: int | None = graphs.store.event(position).node if position else None
        self._graphs = graphs
        self._moment = graphs.runs.moment(position)
        self._scope = graphs.scope(position, self._moment)
        self._unfolding = graphs.unfolding(self._scope, position)
        self._labels: dict[int, str | None] = {}
        self._loaded = range(0)
        self._variables: dict[int, str | None] = {}  # each row climbs past the rows above it

    def __len__(self) -> int:
        """Number of rows."""
        return self._unfolding.size

    def row(self, index: int) -> GraphRow:
        """Return one row.

        Raises:
            IndexError: there is no such row.
            TapeError: the tape is damaged.
        """
        tree = self._unfolding
        tree.reach(index)
        self._load_around(index)
        node = tree.nodes[index]
        found = self._graphs.store.node(node)
        return GraphRow(
            node=node,
            name=found.name if found is not None else "(not on the tape)",
            label=self._label(node),
            depth=tree.depths[index],
            is_last=tree.lasts[index],
            guides=tree.guides(index),
            is_reference=tree.is_reference(index),
        )

    def _load_around(self, index: int) -> None:
        """Read at once what is asked of a row and of those below it, as far as a screen shows them."""
        if index in self._loaded:
            return
        self._loaded = range(index, min(index + _SCREEN, self._unfolding.size))
        with contextlib.suppress(TapeError, IndexError):  # damage is told by the row that it is in
            self._unfolding.reach(self._loaded[-1])
            nodes = self._unfolding.nodes[index : self._loaded.stop]
            self._graphs.runs.load(nodes, self.position)
            self._graphs.load_labels(nodes, self.position)

    def expression(self, index: int) -> str:
        """Return Python that reaches the node of a row; empty where no variable is known.

        Climbs to the nearest node whose output has a name, and writes down the way back.

        Raises:
            IndexError: there is no such row.
            TapeError: the tape is damaged.
        """
        tree = self._unfolding
        tree.reach(index)
        path: list[int] = []
        row = index
        while row >= 0 and len(path) <= _MAX_PATH:
            if len(path) % _SCREEN == 0:
                self._graphs.load_labels(self._above(row, _SCREEN), self.position)
            name = self._variable(tree.nodes[row])
            if name is not None:
                return f"{name}.grad_fn" + "".join(f".next_functions[{entry}][0]" for entry in reversed(path))
            path.append(tree.entries[row])
            row = tree.parents[row]
        return ""

    def state(self, node: int) -> NodeState:
        """Return the state of a node at the position."""
        return self._graphs.runs.state(node, self._moment, self.position)

    def index_of(self, node: int) -> int | None:
        """Return the row at which a node is drawn in full, or None."""
        return self._unfolding.find(node) if self._contains(node) else None

    def shape(self, node: int) -> tuple[int, ...] | None:
        """Return the shape of the node's (first) forward output or of the leaf, where known."""
        output = self._graphs.output(node, self.position)
        return None if output is None else output.value.shape

    def _contains(self, node: int) -> bool:
        if isinstance(self._scope, Segment):
            return self._scope.contains(node, self.position)
        return node in self._scope

    def _label(self, node: int) -> str | None:
        if node not in self._labels:
            self._labels[node] = self._graphs.label(node, self.position)
        return self._labels[node]

    def _above(self, row: int, count: int) -> list[int]:
        """Return the nodes of a row and of its ancestors, so many."""
        tree, nodes = self._unfolding, list[int]()
        while row >= 0 and len(nodes) < count:
            nodes.append(tree.nodes[row])
            row = tree.parents[row]
        return nodes

    def _variable(self, node: int) -> str | None:
        """Return a variable whose ``grad_fn`` is the node; a leaf has none, and a name may be no Python."""
        found = self._graphs.store.node(node)
        name = self._label(node)
        if name is None or found is None or found.kind == "accumulate":
            return None
        return name if all(part.isidentifier() for part in name.split(".")) else None


class Graphs:
    """What the graphs of all positions of one tape share."""

    def __init__(self, store: Store, naming: Naming, runs: Runs) -> None:
        self.store = store
        self.naming = naming
        self.runs = runs
        self._reaches = Cache(self._reach, _KEPT, lambda reach: reach.size, _MOST)
        self._segments: Cache[int, Segment] = Cache(
            lambda after: Segment(store, after), _KEPT, lambda segment: segment.weight, _MOST
        )
        self._unfoldings = Cache(self._unfold, _KEPT, lambda tree: len(tree.nodes), _MOST)

    def at(self, position: int) -> Graph:
        """Return the graph at a position."""
        return Graph(self, position)

    def reach(self, backward: int) -> Reach:
        """Return what a backward (seq of its start) can reach."""
        return self._reaches(backward)

    def _reach(self, backward: int) -> Reach:
        found = self.runs.backward(backward)
        roots = found.roots if found is not None else ()
        return Reach(self.store, [root.node for root in roots if root.node is not None])

    def scope(self, position: int, moment: BackwardAt | None) -> Reach | Segment:
        """Return the nodes shown at a position."""
        after, moment = 0, self._with_graph(moment)
        if moment is not None:  # under create_graph the engine made nodes itself: those of the gradient
            after = moment.backward.start if moment.backward.create_graph else moment.end
        if moment is not None and (moment.is_open or not self._has_new_node(after, position)):
            return self.reach(moment.backward.start)
        segment = self._segments(after)
        segment.read(position)
        return segment

    def _with_graph(self, moment: BackwardAt | None) -> BackwardAt | None:
        """Return the newest backward, from one on back, whose roots have a graph: what a failed one shows is older."""
        for _ in range(_MAX_WITHOUT_GRAPH):
            if moment is None or self.reach(moment.backward.start).size:
                return moment
            moment = self.runs.moment(moment.backward.start - 1)
        return None

    def _has_new_node(self, after: int, position: int) -> bool:
        query = "SELECT 1 FROM node WHERE event > ? AND event <= ? LIMIT 1"
        return self.store.db.one(query, after, position) is not None

    def unfolding(self, scope: Reach | Segment, position: int) -> Unfolding:
        """Return the rows of a scope at a position."""
        if isinstance(scope, Segment):
            return self._unfoldings((scope.roots(position), scope.size(position)))
        return self._unfoldings((scope.roots, scope.size))

    def _unfold(self, key: tuple[tuple[int, ...], int]) -> Unfolding:
        roots, size = key
        return Unfolding(roots, lambda node: edges_of(self.store, node), size)

    # --- what is known of one node ------------------------------------------------------------------------------------

    def label(self, node: int, position: int, output_nr: int | None = None) -> str | None:
        """Return the name of a leaf, or of a tensor whose ``grad_fn`` is the node at a position: of its first output
        that has a name, or of one output.
        """
        found = self.store.node(node)
        if found is not None and found.kind == "accumulate":
            return self._leaf_label(found, position)
        for number, tensor in self.store.outputs_of(node, position):
            if output_nr not in {None, number}:
                continue
            name = self.naming.label(tensor, position)
            if name is not None and self._is_grad_fn(node, tensor, position):
                return name
        return None

    def load_labels(self, nodes: list[int], position: int) -> None:
        """Read at once what the labels of some nodes are made of."""
        made = [node for node in nodes if (found := self.store.node(node)) is not None and found.kind != "accumulate"]
        self.store.outputs.load(made)
        tensors = [tensor for node in made for _, tensor in self.store.outputs_of(node, position)]
        self.store.definitions.load(tensors)
        self.naming.load(tensors)

    def _leaf_label(self, node: Node, position: int) -> str | None:
        if node.tensor is None:
            return None
        leaf = self.store.value_at(node.tensor, position)
        return self.naming.best(node.tensor, position, leaf.name if leaf is not None else None)

    def _is_grad_fn(self, node: int, tensor: int, position: int) -> bool:
        """Tell whether a tensor still has the node as its ``grad_fn``: an in-place op gives it another."""
        defined = self.store.defined_at(tensor, position)
        return defined is not None and defined[1] == node

    def output(self, node: int, position: int) -> Tensor | None:
        """Return the first forward output of a node as it was made, or a leaf as it is at the position."""
        found = self.store.node(node)
        if found is None or found.event > position:
            return None
        if found.kind == "accumulate":
            return None if found.tensor is None else self.store.value_at(found.tensor, position)
        made = [tensor for tensor in self.store.defined(found.event).values() if tensor.node == node]
        first = min(made, key=lambda tensor: tensor.output_nr, default=None)
        return first or self.store.first_output(node, position) or self._sent(found)

    def _sent(self, node: Node) -> Tensor | None:
        """Return the gradient that a node made under create_graph is the ``grad_fn`` of, as the engine sent it."""
        detail = self.store.detail(node.event)
        sent = detail.downstream if isinstance(detail, NodeDetail) else ()
        return next((tensor for tensor in sent if tensor is not None and tensor.node == node.id), None)
