"""The chain-rule record of one node as plain data: upstream, local and downstream, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from gradb.algebra.local import Check, Local
from gradb.frame.called import NUMBERS, Called
from gradb.frame.graph.view import NodeState
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue

_RESULTS = 4  # names of results that are told


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one consumer sent to the node being run."""

    node: int
    """The consumer."""
    node_name: str
    output_nr: int
    """Which output of the node it flows into."""
    value: TensorValue | None
    event: int
    """seq of the consumer's node event."""


@dataclass(frozen=True, slots=True)
class ChainEdge:
    """The chain rule along one edge: upstream x local = downstream."""

    to: int | None
    to_name: str
    """Node name, or empty where no gradient is wanted."""
    tensor: Tensor | None
    """The forward input this edge leads to, as the op event saw it (name and value), where known."""
    local: Local
    downstream: TensorValue | None
    """None where undefined, or where the node has not run yet (see ``Chain.state``)."""
    check: Check | None
    """None where there is nothing to check or nothing to check it with."""
    is_asked: bool = True
    """False where the backward was not asked for this gradient (``inputs=``), so that the engine let it be."""


class Edges(Sequence[ChainEdge]):
    """The edges of a node that has many: each is made when it is first asked for, since a screen shows a few.

    Args:
        make: returns the edge of an index.
        downstream: what was sent along each, one an edge.
    """

    FEW = 64
    """Edges up to which all are made at once."""

    def __init__(self, make: Callable[[int], ChainEdge], downstream: Sequence[TensorValue | None]) -> None:
        self.downstream = downstream
        self._make = make
        self._made: dict[int, ChainEdge] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.downstream)

    @overload
    def __getitem__(self, index: int) -> ChainEdge: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[ChainEdge, ...]: ...

    def __getitem__(self, index: int | slice) -> ChainEdge | tuple[ChainEdge, ...]:
        """Return one edge, or some."""
        places = range(len(self))[index]
        return self._of(places) if isinstance(places, int) else tuple(map(self._of, places))

    def __iter__(self) -> Iterator[ChainEdge]:
        """Yield all of them."""
        return map(self._of, range(len(self)))

    def _of(self, place: int) -> ChainEdge:
        if place not in self._made:
            self._made[place] = self._make(place)
        return self._made[place]

    def __eq__(self, other: object) -> bool:
        """Compare all of them."""
        return self is other or (isinstance(other, Edges | tuple) and tuple(self) == tuple(other))

    def __hash__(self) -> int:
        """Return what is the same for equal ones, without making any."""
        return hash(len(self))


def edges_of(make: Callable[[int], ChainEdge], downstream: Sequence[TensorValue | None]) -> Sequence[ChainEdge]:
    """Return the edges of a node: of few all at once."""
    found = Edges(make, downstream)
    return found if len(found) > Edges.FEW else tuple(found)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question that somebody asked about a node."""

    event: int
    """seq of the probe event."""
    what: str
    """``full``, ``row``, ``column``, ``random`` or ``with``."""
    index: int
    """row, column: the element, flat; random: the seed."""
    of: int
    """row: which output; column: which edge."""
    vector: tuple[TensorValue | None, ...]
    """What was put in upstream, one per output."""
    result: tuple[TensorValue | None, ...]
    """What came out downstream, one per edge; column: one per output."""
    check: Check | None
    """random: whether the node is linear: upstream + vector gives the sum of what each gives."""
    has_run_code: bool
    """True when gradb ran the script's own code for it."""
    note: str
    """Why nothing was measured."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be known of a node beside its product."""

    kind: str
    """see ``kinds.graph.RemarkKind``."""
    text: str
    """Names and places; the node's name for ``made_by`` and ``recomputed``."""
    op: OpDetail | None = None
    """``made_by`` and ``recomputed``: the forward call of the node that ran, where known."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of the script's own at a node."""

    kind: str
    """``tensor``, ``node pre``, ``node``, ``post-accumulate``, ``module pre`` or ``module``."""
    function: str
    where: str
    """``file:line`` of its definition, or empty."""
    output_nr: int
    event: int | None
    """seq of the event at which it ran; None before."""
    is_changed: bool
    before: tuple[TensorValue | None, ...]
    after: tuple[TensorValue | None, ...]
    is_inplace: bool = False
    """True when it wrote into what it was given."""
    error: str = ""
    """What it raised."""

    @property
    def is_after(self) -> bool:
        """True when it is given what the node sends on, not what arrives."""
        return self.kind in {"node", "module", "post-accumulate"}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Somebody wrote into a gradient that was on its way to a node: the tensor had gone elsewhere too."""

    kind: str
    """``hook``, ``node`` (a custom Function's backward), or ``unknown`` where nothing on the tape tells who it was."""
    name: str
    """The hook's function, or the node's name."""
    where: str
    """``file:line`` of the hook, or of the call in the backward that wrote; empty where not known."""
    at: str
    """Variable or node at which the hook ran."""
    event: int
    """seq of the hook or node event; 0 for unknown."""
    call: str = ""
    """The op in the backward that wrote, where it was seen."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """Why the last backward, which raised an error, has not come to a node."""

    root: str
    """What it began from, or empty."""
    error: str
    is_wanted: bool
    """True when the engine would have come here had it not raised; False when no path leads here: no root requires
    grad."""
    cut: Event | None = None
    """The op that cut the way from here to the root: it was given what requires grad, and its result does not."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was given for the roots of a backward (``gradient=``): differentiated is the sum of it times root."""

    given: tuple[TensorValue | None, ...]
    """One per root, shaped like it; None for an implicit 1."""
    is_from_grad: bool = False
    """True where ``autograd.grad`` was called, which names it ``grad_outputs=``."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain-rule record of one node in one backward."""

    node: int
    node_name: str
    state: NodeState
    """``created``/``pending``: seen from the forward only; ``running``: upstream known; ``done``/``freed``: all
    known; ``failed``: the engine raised while it ran the node, so there is no downstream; ``unrecorded``: it may have
    run without its being recorded."""
    event: int | None
    """seq of the node (or node_start) event, None before it ran."""
    output: Tensor | None
    """The forward output of this node (name and value), where known."""
    op: OpDetail | None
    """The forward call that created it, where known."""
    op_event: Event | None
    upstream: tuple[TensorValue | None, ...]
    """Empty before the node runs."""
    contributions: tuple[Contribution, ...]
    """One per consumer edge that fed it in this backward."""
    contributions_check: Check | None
    """Sum of the contributions against upstream (a user's hook may change it)."""
    edges: Sequence[ChainEdge]
    root: str | None = None
    """Name of the tensor this backward began from (the L of dL/dx), where it has one and there is only one."""
    weights: Weights | None = None
    """None where each root is one number and counts once, so that the L of dL/dx is the root itself."""
    is_interrupted: bool = False
    """True when the engine raised while it ran this node: there is no downstream."""
    hooks: tuple[Hook, ...] = ()
    """The script's hooks here: those that ran in this backward, and before it those that are known to be registered."""
    asked: tuple[Asked, ...] = ()
    """What somebody asked of the node in this run of it, oldest first."""
    remarks: tuple[Remark, ...] = ()
    output_names: tuple[str | None, ...] = ()
    """The name of each output of a node that has several."""
    rewrites: tuple[Rewrite, ...] = ()
    """Who changed what came in place, after it was sent: what arrived is not what the consumers sent."""
    left: tuple[TensorValue | None, ...] = ()
    """upstream as the node left it, where its own backward wrote into it; else empty."""
    error: str = ""
    """What the engine raised in the backward in which the node failed."""
    unreached: Unreached | None = None
    gone: int | None = None
    """Event from which on nothing refers to the node any more."""
    unseen: str = ""
    """``unrecorded``: what was not recorded, and why."""
    torch: str = ""
    """The version that recorded the tape: formulas, and what is taken at kinks, go by it. Empty: not known."""
    called: Called = field(default=NUMBERS, compare=False)
    """What the events of the tape are called."""

    @property
    def downstream(self) -> Sequence[TensorValue | None]:
        """What was sent along each edge."""
        return self.edges.downstream if isinstance(self.edges, Edges) else [edge.downstream for edge in self.edges]

    @property
    def result_names(self) -> tuple[str, ...]:
        """What the script calls the results that the node is the grad_fn of: ``d``, or ``low`` and ``high``.

        One of several without a name is ``·``, what is beyond the first few ``…``; nothing where none has a name.
        """
        if any(self.output_names):
            names = tuple(name or "·" for name in self.output_names[:_RESULTS])
            return (*names, "…") if len(self.output_names) > _RESULTS else names
        return (self.output.name,) if self.output is not None and self.output.name else ()
