"""What is remembered of a tensor, for as long as it lives, and of a node, in its own ``metadata``."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from gradb.log.writer import LogWriter
from gradb.tape.kinds.tensor import write_head
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.native.loading import standing
from gradb.tracer.source.places import PlaceRow

MARK = "gradb"
"""The key of a node's ``metadata`` under which its mark lies."""
ACCUMULATE = "AccumulateGrad"


class TensorRecord:
    """What is remembered of a tensor for as long as it lives."""

    __slots__ = (
        "fills",
        "grad_id",
        "grad_key",
        "head",
        "hung",
        "id",
        "is_leaf",
        "is_moved",
        "is_settled",
        "mark",
        "memory_key",
        "name",
        "odd",
        "ref",
        "scope",
        "since",
    )

    def __init__(self, id: int, ref: weakref.ref[torch.Tensor]) -> None:
        self.id = id
        self.ref: Callable[[], torch.Tensor | None] = ref
        self.name: str | None = None
        self.head = write_head(id, None)
        """How the wire form of an appearance begins."""
        self.is_leaf = self.is_settled = False
        """Leaves: True when the name is the path by which variables lead to it, or there is none."""
        self.scope = ""
        """The function whose variable the name is; empty in a module."""
        self.mark: NodeMark | None = None
        """Leaves: the mark of the AccumulateGrad node."""
        self.fills = self.since = 0
        """Accumulations into ``.grad`` since it was cleared (-1: not known), and the iteration of the first of them."""
        self.grad_id = self.grad_key = self.memory_key = 0
        """Which object ``.grad`` is, and where it lies."""
        self.odd: int | None = None
        """What was odd about it when an event showed it last, as in ``Blob.odd``; None where none has."""
        self.is_moved = False  # True once .grad, the same object, lies elsewhere than before (``set_``)

    def hang(self, node: int, hook: str) -> list[list[Any]]:
        """Remember which hook was registered on the tensor, and at which node; return the list of all of them."""
        if not hasattr(self, "hung"):
            self.hung: list[list[Any]] = []
        self.hung.append([node, hook])
        return self.hung

    def filled(self, iteration: int) -> None:
        """Count an accumulation into ``.grad``."""
        if not self.fills:
            self.since = iteration
        if self.fills >= 0:
            self.fills += 1

    @property
    def label(self) -> str:
        """What to call it where there must be a name."""
        return self.name or f"leaf #{self.id}"

    def call(self, name: str) -> None:
        """Give it a name."""
        self.name = name
        self.head = write_head(self.id, name)


class PythonMark:
    """What a node remembers for us; made once and not changed (a frozen dataclass takes four times as long to make)."""

    __slots__ = ("edges", "has_run", "id", "is_hooked", "is_leaf", "name", "place", "scope", "writer")

    def __init__(
        self, id: int, name: str, place: PlaceRow, scope: str, edges: int, is_hooked: bool, writer: LogWriter, /
    ) -> None:
        self.id = id
        self.name = name
        self.is_leaf = name == ACCUMULATE
        """True for the AccumulateGrad node of a leaf."""
        self.place = place
        """Where the forward call that created it stands."""
        self.scope = scope
        self.edges = edges
        """How many ``next_functions`` it has."""
        self.is_hooked = is_hooked
        """True when saved-tensor hooks were active at creation: reading what the node saved runs them."""
        self.writer = writer
        self.has_run = False
        """True once the engine has begun to run it."""

    @shielded
    def __del__(self) -> None:
        """Say that the node is no more: the mark lives as long as it does. Any thread may come here, at any time."""
        writer = self.writer
        writer.gone.append((writer.head + 1, self.id))


if TYPE_CHECKING:
    NodeMark = PythonMark
else:
    NodeMark = getattr(standing().module, "Mark", PythonMark)
    """The accelerator's are nothing to the garbage collector, which would go through as many as a graph has nodes."""
