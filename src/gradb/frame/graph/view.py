"""The graph at a position as those who draw it see it: rows of a tree, and the state of each node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from gradb.frame.graph.finding import Query, Search
    from gradb.frame.graph.flows import FlowsAt
    from gradb.frame.graph.folds import Items
    from gradb.frame.graph.links import Links
    from gradb.frame.graph.listing import Header

Where = Literal["", "above", "below"]
NodeState = Literal["created", "pending", "running", "done", "freed", "failed", "unrecorded"]


@dataclass(frozen=True, slots=True)
class GraphRow:
    """One line of the graph, unfolded as a tree from the root(s) down; a shared node is drawn once and referred to
    after.
    """

    node: int
    name: str
    """``MulBackward0``; ``AccumulateGrad`` for leaves."""
    label: str | None
    """Variable or parameter name of the node's output (or of the leaf) known at the position."""
    depth: int
    """Edges from a root, as drawn."""
    indent: int
    """Branches that lead to the row: a chain is flat, and what all branches come together in is no branch."""
    lanes: int
    """Bit k: the line of the tree at indent k goes on below the row."""
    is_head: bool
    """True where the line at its own indent begins: a root, or a branch."""
    reference: Where
    """Where the node is drawn in full, if that is another row."""
    output_nr: int = 0
    """Of a row that refers to a node: which of its outputs is used there, which the label is of."""
    others: tuple[str, ...] = ()
    """Names of further outputs of a node that is drawn here: the ``b`` of ``a, b = x.unbind()``."""

    @property
    def is_reference(self) -> bool:
        """True when the node is drawn in full on another row."""
        return bool(self.reference)


class GraphView(Protocol):
    """The graph at a position. Rows and states are computed when asked for, so a screen pays for what it shows.

    Which rows there are takes long to find out where there are many that nobody has looked at: see ``reading``.
    """

    position: int
    current: int | None
    """Id of the node the event at the position is about."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    @property
    def is_empty(self) -> bool:
        """True where it has no rows; known at once."""
        ...

    def reading(self) -> Iterator[float]:
        """Find out which rows and folds there are, a little at a time: yields which share is done, 0 to 1.

        Not to do so is no mistake: whatever is asked then takes as long.
        """
        ...

    def row(self, index: int) -> GraphRow:
        """Return one row, 0 <= index < len(self)."""
        ...

    def expression(self, index: int) -> str:
        """Return Python that reaches the node of a row from a variable: ``d.grad_fn.next_functions[0][0]``; empty where
        no variable is known.
        """
        ...

    def nodes(self, first: int, last: int) -> set[int]:
        """Return the nodes of the rows first..last, ``last`` excluded, 0 <= first <= last <= len(self)."""
        ...

    def links(self, index: int) -> Links:
        """Return how the node of a row is linked, 0 <= index < len(self)."""
        ...

    def folds(self) -> Items | None:
        """Return the rows by the modules that made them; None where the graph is small, or none did."""
        ...

    def flows(self) -> FlowsAt:
        """Return how large the gradients were in the backward that the position is in, or after."""
        ...

    def nodes_of(self, header: Header) -> int:
        """Count the nodes that are drawn on the rows of a fold."""
        ...

    def state(self, node: int) -> NodeState:
        """Return the state of a node at the position."""
        ...

    def index_of(self, node: int) -> int | None:
        """Return the row at which a node is drawn in full, or None."""
        ...

    def shape(self, node: int, output_nr: int = 0) -> tuple[int, ...] | None:
        """Return the shape of the node's first forward output, or of another, or of the leaf, where known."""
        ...

    def search(self, query: Query) -> Search:
        """Begin a search for nodes: by words, shapes and what is not finite."""
        ...
