"""The graph at a position as those who draw it see it: rows of a tree, and the state of each node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

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
    is_last: bool
    """Last child of its parent (for the tree's guide lines)."""
    guides: tuple[bool, ...]
    """For each of the nearest 64 ancestors, the outermost first: True when a vertical guide goes on there."""
    is_reference: bool
    """True when the node is drawn in full on another row above."""


class GraphView(Protocol):
    """The graph at a position. Rows and states are computed when asked for, so a screen pays for what it shows."""

    position: int
    current: int | None
    """Id of the node the event at the position is about."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def row(self, index: int) -> GraphRow:
        """Return one row, 0 <= index < len(self)."""
        ...

    def expression(self, index: int) -> str:
        """Return Python that reaches the node of a row from a variable: ``d.grad_fn.next_functions[0][0]``; empty where
        no variable is known.
        """
        ...

    def state(self, node: int) -> NodeState:
        """Return the state of a node at the position."""
        ...

    def index_of(self, node: int) -> int | None:
        """Return the row at which a node is drawn in full, or None."""
        ...

    def shape(self, node: int) -> tuple[int, ...] | None:
        """Return the shape of the node's (first) forward output or of the leaf, where known."""
        ...
