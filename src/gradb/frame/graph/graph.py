"""The graph at a position: its rows, and for each row label, state, shape and expression, when asked.

``Graphs`` keeps what several positions share (which nodes are shown, how they unfold), so that stepping through a
backward unfolds nothing twice. ``Graph`` is one position's view of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property

from gradb.frame.cache import Cache
from gradb.frame.graph.finding import Query, Search, Texts
from gradb.frame.graph.flows import Flows, FlowsAt
from gradb.frame.graph.folds import Items
from gradb.frame.graph.labels import Labels
from gradb.frame.graph.links import Links, class_of
from gradb.frame.graph.listing import FEW, Header
from gradb.frame.graph.outline import Outlines
from gradb.frame.graph.region import Region, region
from gradb.frame.graph.runs import Runs
from gradb.frame.graph.scope import Reach, Segment, edges_of
from gradb.frame.graph.shown import Shown
from gradb.frame.graph.unfold import Unfolding
from gradb.frame.graph.view import GraphRow, NodeState
from gradb.frame.naming import Naming
from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Node

_MAX_PATH = 200  # entries of next_functions in one expression; a longer one is of no use to anybody
_KEPT, _MOST = 32, 250_000  # graphs of which it is kept how they unfold, and the stretches of all of them
_REGIONS = 20_000  # stretches of graphs that are kept, which have more in common than not
_KEPT_FLOWS = 4  # backwards of which the sizes of gradients are kept
_READING = 0.2  # of the time that a graph takes at first: to read its nodes, before they are laid out
_SCREEN = 64  # rows of which what is asked is read at once
_MANY = 64  # edges of one node that take long to read
_MOST_NAMES = 4  # of the outputs of one node


class Graph:
    """A ``GraphView``: the graph at one position."""

    def __init__(self, graphs: Graphs, position: int) -> None:
        self.position = position
        self.current: int | None = graphs.store.event(position).node if position else None
        self._graphs = graphs
        self._moment = graphs.runs.moment(position)
        self._labels: dict[int, str | None] = {}
        self._loaded = range(0)
        self._texts: Texts | None = None
        self._variables: dict[int, str | None] = {}  # each row climbs past those above it
        self._climbed: set[int] = set()

    def __len__(self) -> int:
        """Number of rows."""
        return self._unfolding.size

    @property
    def is_empty(self) -> bool:
        """True where it has no rows."""
        return self._graphs.shown.is_empty(self.position, self._moment)

    def reading(self) -> Iterator[float]:
        """Find out which rows and folds there are, a little at a time: yields which share is done, 0 to 1.

        Raises:
            TapeError: the tape is damaged.
        """
        for share in self._graphs.shown.reading(self.position, self._moment):
            yield _READING * share
        if 0 < len(self) < FEW:
            self._unfolding.reach(len(self) - 1)
        elif len(self):
            for share in self._graphs.outlines.reading(self._unfolding):
                yield _READING + (1 - _READING) * share

    @cached_property
    def _scope(self) -> Reach | Segment:
        return self._graphs.shown.scope(self.position, self._moment)

    @cached_property
    def _unfolding(self) -> Unfolding:
        return self._graphs.unfolding(self._scope, self.position)

    def row(self, index: int) -> GraphRow:
        """Return one row.

        Raises:
            IndexError: there is no such row.
            TapeError: the tape is damaged.
        """
        tree = self._unfolding
        tree.reach(index)
        self._load_around(index)
        node = tree.node(index)
        part, local = tree.place(index)
        found = self._graphs.store.node(node)
        reference = tree.reference(index)
        output_nr = self._output_used(index) if reference else 0
        return GraphRow(
            node=node,
            name=found.name if found is not None else "(not on the tape)",
            label=self._graphs.label(node, self.position, output_nr) if output_nr else self._label(node),
            depth=tree.depth(index),
            indent=part.indents[local],
            lanes=part.lanes[local],
            is_head=tree.is_head(index),
            reference=reference,
            output_nr=output_nr,
            others=() if reference else self._graphs.labels(node, self.position, _MOST_NAMES)[1:],
        )

    def _output_used(self, index: int) -> int:
        """Return which output of its node the row above a row uses; 0 for a root."""
        above, entry = self._unfolding.parent(index)
        edges = edges_of(self._graphs.store, self._unfolding.node(above)) if above >= 0 else ()
        return edges[entry].input_nr if 0 <= entry < len(edges) else 0

    def _load_around(self, index: int) -> None:
        """Read at once what is asked of a row and of those below it, as far as a screen shows them."""
        if index in self._loaded:
            return
        self._loaded = range(index, min(index + _SCREEN, self._unfolding.size))
        with contextlib.suppress(TapeError, IndexError):  # damage is told by the row that it is in
            self._unfolding.reach(self._loaded[-1])
            nodes = [self._unfolding.node(row) for row in self._loaded]
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
            node = tree.node(row)
            if node not in self._climbed:
                self._load_above(row)
            name = self._variable(node)
            if name is not None:
                return f"{name}.grad_fn" + "".join(f".next_functions[{entry}][0]" for entry in reversed(path))
            row, entry = tree.parent(row)
            path.append(entry)
        return ""

    def nodes(self, first: int, last: int) -> set[int]:
        """Return the nodes of the rows first..last, ``last`` excluded, 0 <= first <= last <= len(self)."""
        if last > first:
            self._unfolding.reach(last - 1)
        return {self._unfolding.node(row) for row in range(first, last)}

    def links(self, index: int) -> Links:
        """Return how the node of a row is linked.

        Raises:
            IndexError: there is no such row.
            TapeError: the tape is damaged.
        """
        tree, store = self._unfolding, self._graphs.store
        tree.reach(index)
        node, (above, entry) = tree.node(index), tree.parent(index)
        found, parent = store.node(node), store.node(tree.node(above)) if above >= 0 else None
        functions = None if found is None else self._graphs.functions(found)
        name = python_name(self._label(node))
        way = self.expression(above) if name and above >= 0 else ""
        attribute = ".variable is {}" if found is not None and found.kind == "accumulate" else " is {}.grad_fn"
        identity = f"{way}.next_functions[{entry}][0]{attribute.format(name)}" if way else ""
        return Links(functions, "" if parent is None else parent.name, entry, identity)

    def folds(self) -> Items | None:
        """Return the rows by the modules that made them; None where the graph is small, or none did."""
        return None if len(self) < FEW else self._graphs.outlines.of(self._unfolding)

    def flows(self) -> FlowsAt:
        """Return how large the gradients were in the backward that the position is in, or after."""
        moment = self._moment
        flows = None if moment is None else self._graphs.flows(moment.backward.start)
        return FlowsAt(flows, self.position, 0 if moment is None else moment.end)

    def nodes_of(self, header: Header) -> int:
        """Count the nodes that are drawn on the rows of a fold."""
        return header.rows - header.references - self._unfolding.again(header.first, header.first + header.rows)

    def state(self, node: int) -> NodeState:
        """Return the state of a node at the position.

        The node of a leaf is one for all graphs: in one that no backward has run it waits for that.
        """
        state = self._graphs.runs.state(node, self._moment, self.position)
        if state != "done" or not isinstance(self._scope, Segment):
            return state
        found = self._graphs.store.node(node)
        return "created" if found is not None and found.kind == "accumulate" else state

    def index_of(self, node: int) -> int | None:
        """Return the row at which a node is drawn in full, or None."""
        return self._unfolding.find(node) if self._contains(node) else None

    def shape(self, node: int, output_nr: int = 0) -> tuple[int, ...] | None:
        """Return the shape of the node's first forward output, or of another, or of the leaf, where known."""
        output = self._graphs.output(node, self.position, output_nr)
        return None if output is None else output.value.shape

    def search(self, query: Query) -> Search:
        """Begin a search for nodes; what is read for it is kept for the next."""
        if self._texts is None:
            self._texts = Texts(self._unfolding, self._graphs, self.shape, self.position)
        return Search(self._texts, query)

    def _contains(self, node: int) -> bool:
        if isinstance(self._scope, Segment):
            return self._scope.contains(node, self.position)
        return node in self._scope

    def _label(self, node: int) -> str | None:
        if node not in self._labels:
            self._labels[node] = self._graphs.label(node, self.position)
        return self._labels[node]

    def _load_above(self, row: int) -> None:
        """Read at once what is asked of a row and of its ancestors, as far as one looks at a time."""
        tree, nodes = self._unfolding, list[int]()
        while row >= 0 and len(nodes) < _SCREEN:
            nodes.append(tree.node(row))
            row, _ = tree.parent(row)
        self._graphs.load_labels(nodes, self.position)
        self._climbed.update(nodes)

    def _variable(self, node: int) -> str | None:
        """Return a variable whose ``grad_fn`` is the node; a leaf has none, and a name may be no Python."""
        if node not in self._variables:
            found, name = self._graphs.store.node(node), self._label(node)
            is_leaf = found is None or found.kind == "accumulate"
            self._variables[node] = None if is_leaf else python_name(name)
        return self._variables[node]


def python_name(name: str | None) -> str | None:
    """Return a name that is Python; None for one that is not."""
    return name if name is not None and all(part.isidentifier() for part in name.split(".")) else None


class Graphs(Labels):
    """What the graphs of all positions of one tape share."""

    def __init__(self, store: Store, naming: Naming, runs: Runs) -> None:
        super().__init__(store, naming)
        self.runs = runs
        self.shown = Shown(store, runs)
        self._unfoldings = Cache(self._unfold, _KEPT, lambda tree: len(tree.parts), _MOST)
        self.outlines = Outlines(store)
        self.flows: Cache[int, Flows] = Cache(lambda start: Flows(store, start), _KEPT_FLOWS)
        self._regions = Cache(self._lay_out, _REGIONS)
        self._functions: Cache[int, tuple[tuple[str | None, int], ...]] = Cache(lambda _: (), _KEPT)

    def functions(self, node: Node) -> tuple[tuple[str | None, int], ...]:
        """Return the ``next_functions`` of a node; those of one that has many are kept once all are on the tape."""
        if node.id in self._functions:
            return self._functions(node.id)
        nodes = [None if edge.to is None else self.store.node(edge.to) for edge in node.edges]
        found = tuple(
            (None if edge.to is None else class_of(to), edge.input_nr)
            for edge, to in zip(node.edges, nodes, strict=True)
        )
        if len(nodes) > _MANY and None not in nodes:
            self._functions.put(node.id, found)
        return found

    def at(self, position: int) -> Graph:
        """Return the graph at a position."""
        return Graph(self, position)

    def unfolding(self, scope: Reach | Segment, position: int) -> Unfolding:
        """Return the rows of a scope at a position."""
        if isinstance(scope, Segment):
            return self._unfoldings((scope.roots(position), scope.size(position)))
        return self._unfoldings((scope.roots, scope.size))

    def _unfold(self, key: tuple[tuple[int, ...], int]) -> Unfolding:
        roots, size = key
        loose = {root for root in roots if not edges_of(self.store, root)}
        return Unfolding([root for root in roots if root not in loose], self._regions, size, tuple(loose))

    def _lay_out(self, starts: tuple[int, ...]) -> Region:
        return region(starts, lambda node: edges_of(self.store, node))
