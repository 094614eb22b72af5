"""A Frame: everything true at one position of a tape, as plain data.

The panes, the printed text, the JSON and the expectations of command scripts are all drawn from it. It is a pure
function of (tape, position): the builder is ``Tape.frame``. Nothing here knows how it will be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from gradb.tape.events import AtenDetail, Axis, Detail, Event, OpDetail, Tensor
from gradb.tape.missing import Failure, Gap, Stopped
from gradb.tape.saved import SavedView
from gradb.tape.training import Training
from gradb.tape.values import Number, TensorValue

if TYPE_CHECKING:
    from gradb.tape.pathfinder import PathsAt

NodeState = Literal["created", "pending", "running", "done", "freed", "failed", "unrecorded"]
Structure = Literal[
    "zero",
    "identity",
    "scalar",  # the same factor for each element
    "diagonal",  # a factor of its own for each element
    "permutation",  # the same elements in another order
    "selection",  # each output is one of the inputs, or none of them
    "expansion",  # each input goes, with one weight, into several outputs
    "sum",  # each input goes, with one weight, into one output
    "block",  # parts that have nothing to do with each other, all of one size
    "dense",
    "unknown",
]
How = Literal[
    "measured",  # upstream times the local derivative that was measured; of sums: the parts added up
    "formula",  # upstream times the formula, from the values on the tape
    "corner",  # the same for the few elements that are kept of a large tensor
    "direction",  # a random vector in place of upstream, times the formula
    "none",  # nothing: the text says why
]
Form = Literal["real", "complex", "conjugate", "from_real", "parts"]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the tape says of the whole run."""

    script: str
    """Script path or module name as given."""
    arguments: tuple[str, ...]
    title: str
    """First line of the script's docstring, or empty."""
    lesson: str
    """The rest of the docstring, or empty."""
    torch: str
    """torch version, or empty when torch was never imported."""
    python: str
    status: str
    """``running``, ``finished``, ``exit code 3``, ``killed by SIGKILL`` ..."""
    cwd: str = ""
    """Working directory at the start, or empty."""
    failures: tuple[Failure, ...] = ()
    """What gradb itself failed to record, by kind."""
    stopped: Stopped | None = None
    """Where and why the recording ended before the script."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """The source text and what is marked in it."""

    file: str
    lines: tuple[str, ...]
    """Every line of the file, without line ends; empty when the text is not on the tape."""
    line: int | None
    end_line: int | None
    column: int | None
    """UTF-8 byte offset, as in ``ast``."""
    end_column: int | None
    has_nonfinite: bool = False
    """True where a value of the event there has a NaN or an infinity."""
    library: str = ""
    """Where in a library it happened (``lightning/loops/fit.py:123``); empty where the line is the script's own."""


@dataclass(frozen=True, slots=True)
class Check:
    """upstream times local held against what the engine produced."""

    is_ok: bool
    max_error: float
    """Largest absolute difference."""
    text: str
    """One clause for people: ``agrees with the engine``, what differs, or why nothing was compared."""
    how: How = "measured"
    """What the engine's gradient was held against."""
    is_compared: bool = True
    """False where some of it could not be compared, or nothing was: then ``is_ok`` says no more than that nothing
    differs."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a matrix: some of its rows, and all columns in which these have entries."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    values: tuple[Number, ...]
    """rows x columns, row-major."""


@dataclass(frozen=True, slots=True)
class Local:
    """The local derivative of one edge, as numbers."""

    structure: Structure
    rows: int
    columns: int
    values: tuple[Number, ...] | None
    """By structure: scalar (1 number), diagonal (n), sum and expansion (1: the common weight), permutation, selection,
    block and dense (rows x columns, row-major), zero and identity (none: empty), unknown: None."""
    note: str = ""
    """Why it is unknown, or what was left out."""
    where: tuple[int, ...] = ()
    """permutation, selection, expansion: for each row the column of its entry, -1 where it has none; sum: for each
    column the row of its entry."""
    blocks: tuple[Block, ...] = ()
    """The parts of a block matrix."""
    form: Form = "real"
    """What the numbers are where the op has to do with complex ones (PyTorch's gradient of z is dL/dRe z + i dL/dIm z,
    which is twice the conjugate Wirtinger derivative dL/dz*). ``complex``: the op is holomorphic, an entry is one
    complex number, the conjugate of the derivative: upstream times entry is downstream. ``conjugate``: the op is
    holomorphic in z*, and the conjugate of upstream times entry is downstream. ``from_real``: real outputs of complex
    inputs, upstream times entry is downstream. ``parts``: rows and columns are real and imaginary parts."""
    outputs: tuple[Axis, ...] = ()
    """What the rows run over; in all forms but ``parts`` one row an element."""
    input: Axis | None = None
    """What the columns run over; in all forms but ``parts`` one column an element."""

    @property
    def are_blocks_equal(self) -> bool:
        """True when a block matrix repeats one block."""
        return all(block.values == self.blocks[0].values for block in self.blocks)


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
    """See ``events.RemarkKind``."""
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
    edges: tuple[ChainEdge, ...]
    root: str | None = None
    """Name of the tensor this backward began from (the L of dL/dx), where it has one and there is only one."""
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


@dataclass(frozen=True, slots=True)
class GradBuffer:
    """The .grad of one leaf at a position."""

    tensor: int
    name: str
    leaf: TensorValue | None
    """Newest recorded value of the leaf itself."""
    before: TensorValue | None
    added: TensorValue | None
    after: TensorValue | None
    """The buffer now; None is None."""
    event: int | None
    """seq of the last event that touched it, or that found it as it is after a stretch that was only watched; None
    when it was never touched."""
    is_current: bool
    """True when the event at the position has touched it (before + added = after is then shown)."""
    check: Check | None
    """before + added against after."""
    how: str = ""
    """``accumulated``, ``cleared (set to None)``, ``cleared (zeroed)`` or empty."""
    fills: int = 0
    """Accumulations that the buffer is the sum of, since it was cleared; -1 where that is not known."""
    since: int = 0
    """Iteration of the first of them; 0 where there is none."""
    is_stale: bool | None = False
    """True in a backward that adds (or will add) to a gradient from an earlier iteration; None where that is not
    known."""
    is_gone: bool = False
    """True when the leaf is no more: the script has let go of it."""
    is_frozen: bool = False
    """True when it does not require grad any more, and has none."""
    is_never_cleared: bool = False
    """True of a stale one when nothing that was recorded has cleared it."""


@dataclass(frozen=True, slots=True)
class OutputLine:
    """Text the script printed."""

    event: int
    stream: str
    text: str


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
    expression: str
    """Python that reaches the node from a variable: ``d.grad_fn.next_functions[0][0]``; empty where no variable is
    known."""


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

    def state(self, node: int) -> NodeState:
        """Return the state of a node at the position."""
        ...

    def index_of(self, node: int) -> int | None:
        """Return the row at which a node is drawn in full, or None."""
        ...

    def shape(self, node: int) -> tuple[int, ...] | None:
        """Return the shape of the node's (first) forward output or of the leaf, where known."""
        ...


@dataclass(frozen=True, slots=True)
class AtenCall:
    """One call."""

    event: int
    """seq of its aten event."""
    detail: AtenDetail
    """With the names that its tensors have at the position."""


@dataclass(frozen=True, slots=True)
class Aten:
    """The calls of one op or node up to a position."""

    name: str
    """The node's name, or the torch call's; empty for a forward op that has not returned yet."""
    node: int | None
    """The node that makes the calls; None for a forward op."""
    is_over: bool
    """True when the op or node has returned, so that these are all its calls."""
    is_seen: bool
    """False when nobody looked into it: then it is not known what it calls."""
    calls: tuple[AtenCall, ...]
    """The newest of them, at most 200, oldest first."""
    count: int
    """How many there are so far."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything true at a position."""

    position: int
    """0: before the first event."""
    head: int
    """Last event recorded when this Frame was made."""
    run: RunInfo
    event: Event | None
    """The event at the position; None at 0."""
    detail: Detail | None
    phase: str
    iteration: int
    source: SourceView | None
    graph: GraphView
    chain: Chain | None
    """The node being run or just run; after an op, the node it created; None where there is none yet."""
    grads: tuple[GradBuffer, ...]
    """One per leaf seen so far, in order of appearance."""
    outputs: tuple[OutputLine, ...]
    """The newest outputs up to the position (at most 500), oldest first."""
    outputs_dropped: int
    """How many older output events are not in ``outputs``."""
    names: tuple[str, ...]
    """Names of variables known at the position."""
    training: Training
    """Series and interventions, and what holds at the position."""
    paths: PathsAt
    """The paths from leaves to what was differentiated; counted and multiplied when asked for."""
    saved: SavedView
    """What nodes saved for backward, and the memory that the graph holds."""
    aten: Aten | None = None
    """ATen calls of the op or node that the position is in or at; None where it is at neither."""
    gaps: tuple[Gap, ...] = ()
    """What was not recorded up to the position and may hide something: the newest of it, newest first."""

    @property
    def cut(self) -> Stopped | None:
        """Where the recording ended, at a position from there on."""
        stopped = self.run.stopped
        return stopped if stopped is not None and self.position >= stopped.event else None
