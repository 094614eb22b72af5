"""The events of a run: what the tracer saw, one frozen value each.

An event has a header (``Event``: what is searched and filtered) and a detail (one dataclass a kind: values and
structure). The tape stores both; nothing here knows how, nor anything of torch or of screens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from gradb.tape.values import TensorValue

Kind = Literal[
    "leaf",  # a tensor that requires grad came into being (or began to require it)
    "op",  # a call of the torch API returned tensors (or changed one in place)
    "backward_start",  # the engine was asked to run
    "node_start",  # the engine is about to run a node: upstream is known, downstream is not
    "aten",  # an ATen call that an op or a node made: only where somebody looks into it
    "node",  # the node has run: downstream is known
    "probe",  # the node that the script is held at was probed because somebody asked for it
    "accumulate",  # a .grad buffer was filled
    "hook",  # a hook of the script was registered, or has run
    "backward_end",  # the engine returned (or raised)
    "zero_grad",  # gradients were cleared: by an idiom, or by anything else after which they are all zero
    "grad_change",  # gradients were changed and are not all zero: clipped, unscaled, given noise, edited
    "step",  # an optimizer step returned
    "loss",  # a backward was run while only watching: the value it began from, and no more
    "intervention",  # something was changed from outside: zero_grad policy, learning rate
    "depth",  # recording became more or less detailed
    "output",  # the script printed
    "error",  # an exception: uncaught, or raised by a torch call (caught later or not)
    "note",  # gradb says something about the recording itself (failed open, output cut ...)
    "end",  # the run is over
]
RemarkKind = Literal[
    "custom",  # a custom Function: its name and where its backward is defined
    "once_differentiable",  # the backward of a custom Function cannot be differentiated
    "unmaterialised",  # a custom Function gets None, not zeros, for an output that has no gradient
    "saved_hooks",  # hooks of the script's own for saved tensors: their names and where they are defined
    "save_on_cpu",  # torch.autograd.graph.save_on_cpu
    "checkpoint",  # made inside of a checkpoint that is not reentrant
    "reentrant",  # the node of a reentrant checkpoint
    "compiled",  # a region that torch.compile made
    "module_hooks",  # torch's own node at a module's border, from which the module's backward hooks are called
    "scaled",  # a loss multiplied by a GradScaler's scale: the loss's name
    "made_by",  # made by backward under create_graph: the id of the node that ran
    "lost_hooks",  # hooks of the tensor's that hang on the node it had before its base was changed in place, as JSON
    "recomputed",  # made while a checkpoint computed its forward again: the id of the node that ran
]
Phase = Literal["start", "forward", "backward", "optimizer", "end"]

PHASE_OF_KIND: dict[str, Phase] = {
    "leaf": "forward",
    "op": "forward",
    "backward_start": "backward",
    "node_start": "backward",
    "node": "backward",
    "probe": "backward",
    "accumulate": "backward",
    "hook": "backward",
    "backward_end": "backward",
    "loss": "backward",
    "zero_grad": "optimizer",
    "grad_change": "optimizer",
    "step": "optimizer",
    "end": "end",
}
"""Phase of each kind; all others take the phase of the event before them."""

STOP_KINDS = frozenset(
    {
        "leaf",
        "op",
        "node",
        "probe",
        "accumulate",
        "hook",
        "zero_grad",
        "grad_change",
        "step",
        "loss",
        "intervention",
        "depth",
        "error",
        "note",
        "end",
    }
)
"""Kinds at which an ordinary step stops (unless the event is quiet)."""


@dataclass(frozen=True, slots=True)
class Event:
    """The header of one recorded step."""

    seq: int
    """Position, from 1."""
    kind: str
    name: str
    """Node name for op and node events that have one (``MulBackward0``), else the torch call (``torch.ones``) or the
    ATen call, the tensor's name (leaf, accumulate), the optimizer's class (step), the stream (output), the exception
    type (error)."""
    file: str | None
    """Path of the source file as the script's interpreter knows it; None where there is none."""
    line: int | None
    """First line of the expression, from 1."""
    end_line: int | None
    column: int | None
    """First column (UTF-8 byte offset) of the expression, from 0; None where not known."""
    end_column: int | None
    scope: str
    """nn.Module path, e.g. ``layer1.0``; empty outside of any module."""
    iteration: int
    """From 1. An iteration ends with the last step of the optimizers that step in turn, or, where parameters are
    updated by hand, before the first forward op that follows."""
    phase: str
    node: int | None
    """Node id: the node run (node_start, aten, node, accumulate) or the newest node created (op)."""
    is_quiet: bool
    """True for what cannot matter to a gradient (data preparation, initialisation): stepped over by default."""
    has_nonfinite: bool
    """True when a value recorded with this event has a NaN or an infinity."""
    thread: int = 0
    """0 for the main thread, else a small number of our own."""

    @property
    def is_stop(self) -> bool:
        """True when an ordinary step stops here."""
        return self.kind in STOP_KINDS and not self.is_quiet


@dataclass(frozen=True, slots=True)
class Tensor:
    """One appearance of a tensor at an event."""

    id: int
    """gradb's own id, the same as long as the Python tensor lives; 0 where unknown."""
    name: str | None
    """Variable or parameter name known at this event, e.g. ``a`` or ``layer1.0.weight``."""
    value: TensorValue
    requires_grad: bool = False
    node: int | None = None
    """Id of the node whose output this is: its grad_fn, or for a leaf that requires grad its AccumulateGrad node."""
    output_nr: int = 0
    """Which output of that node."""


@dataclass(frozen=True, slots=True)
class LeafDetail:
    """A leaf that requires grad."""

    tensor: Tensor
    how: str = ""
    """The call that made it, e.g. ``torch.tensor`` or ``requires_grad_``."""


@dataclass(frozen=True, slots=True)
class OpDetail:
    """A call of the torch API."""

    function: str
    """e.g. ``Tensor.pow``."""
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    arguments: tuple[tuple[str, str], ...]
    """All arguments in call order: (keyword or empty, text). A tensor's text is ``%i`` with i its index in ``inputs``;
    anything else is a short repr."""
    nodes: tuple[int, ...]
    """Ids of the nodes this call created, oldest first."""
    is_inplace: bool = False
    calls: int | None = None
    """seq of the first ATen call recorded of it; 0: it was looked into and made none; None: it was not looked into."""
    is_recomputed: bool = False
    """True where a checkpoint computed its forward again, inside of a backward."""
    inside: int | None = None
    """Id of the node whose own Python code called it, in its backward or in a hook; 0: of one that is not known."""


@dataclass(frozen=True, slots=True)
class BackwardStartDetail:
    """A call into the engine."""

    call: str
    """``backward`` or ``grad``."""
    roots: tuple[Tensor, ...]
    gradients: tuple[Tensor | None, ...]
    """The ``gradient=`` given for each root; None where it was left out (an implicit 1)."""
    retain_graph: bool
    create_graph: bool
    inputs: tuple[Tensor, ...] | None
    """The ``inputs=`` given; None where all leaves are meant."""
    nodes: tuple[int, ...]
    """Ids of the nodes that the engine will run."""
    outer: int = 0
    """seq of the backward_start event of the backward inside of which this one was called (by a custom backward, a hook
    or a checkpoint); 0 where there is none."""
    ends: tuple[int, ...] = ()
    """Ids of the nodes that ``inputs=`` named as edges of the graph, and not as tensors."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The tensor that the rows or the columns of a Jacobian run over."""

    shape: tuple[int, ...]
    is_complex: bool = False

    @property
    def size(self) -> int:
        """How many real numbers it has: two for each complex element, the real and the imaginary part."""
        return math.prod(self.shape) * (2 if self.is_complex else 1)


@dataclass(frozen=True, slots=True)
class Probe:
    """The local Jacobian of one edge, measured by one-hot calls of the node, or why it was not measured.

    A backward need only be linear over the real numbers (``abs``, ``real``, ``conj`` are no more), so the matrix is one
    of real numbers: a complex element has two rows (what 1 and what i upstream give) or two columns (real and imaginary
    part downstream).
    """

    rows: int
    """Real numbers in all outputs of the node together (d *output* / ...)."""
    columns: int
    """Real numbers in the input this edge leads to (... / d *input*)."""
    dtype: str
    """Of the entries: for a complex input the dtype of its parts."""
    data: bytes | None
    """rows x columns, row-major: element [i, j] is d output_i / d input_j; None when not probed."""
    note: str = ""
    """Why it was not probed, or what was left out."""
    outputs: tuple[Axis, ...] = ()
    """What the rows run over, one output after the other; empty when not probed."""
    input: Axis | None = None
    """What the columns run over; None when not probed."""
    noise: float = 0.0
    """How far the formula's results for multiples of the same upstream gradient lie apart: the rounding inside of it.
    0 when not known."""
    direction: tuple[float, float, float] | None = None
    """Of a node that was not probed: what a random vector upstream gives, projected on another, by a call of the node
    and by the formula, and the length of the vector of its terms."""


@dataclass(frozen=True, slots=True)
class NodeStartDetail:
    """The engine is about to run a node."""

    backward: int
    """seq of the backward_start event."""
    upstream: tuple[Tensor | None, ...]
    """dL/d(output), one per output of the node; None where undefined."""
    probes: tuple[Probe, ...]
    """One per edge, in the order of ``next_functions``; empty when the whole node was not probed for no stated
    reason."""


@dataclass(frozen=True, slots=True)
class NodeDetail:
    """A node has run."""

    start: int
    """seq of the node_start event."""
    downstream: tuple[Tensor | None, ...]
    """dL/d(input), one per edge in the order of ``next_functions``; None where undefined."""
    calls: int | None = None
    """As in ``OpDetail``."""
    left: tuple[Tensor | None, ...] = ()
    """upstream as the node left it, where its own code wrote into what it was given; empty where it did not."""


@dataclass(frozen=True, slots=True)
class AtenDetail:
    """An ATen call that returned, inside an op or a node."""

    start: int
    """seq of the node_start event of the node that made it; of a forward op, seq of the op's first call."""
    number: int
    """Which call of the op or node it is, from 1."""
    function: str
    """Name with overload, e.g. ``aten.mul.Tensor``."""
    inputs: tuple[Tensor, ...]
    """As they were before the call. A gradient that flows into the node is named ``upstream``."""
    outputs: tuple[Tensor, ...]
    arguments: tuple[tuple[str, str], ...]
    """All arguments in call order: (parameter, text), the text as in ``OpDetail``."""
    is_inplace: bool = False
    """True when it wrote to an input (or to ``out=``)."""


@dataclass(frozen=True, slots=True)
class ProbeDetail:
    """A node was probed because somebody asked for it."""

    start: int
    """seq of the node_start event of the node."""
    what: str
    """``full`` (all of the Jacobian), ``row``, ``column``, ``random`` or ``with`` (a direction given)."""
    index: int
    """row, column: the element, flat and row-major; random: the seed of the direction."""
    of: int
    """row: which output of the node; column: which edge."""
    probes: tuple[Probe, ...]
    """full: one per edge, in the order of ``next_functions``."""
    vector: tuple[TensorValue | None, ...]
    """row, random, with: what was put in upstream, one per output."""
    result: tuple[TensorValue | None, ...]
    """row, random, with: what came out downstream, one per edge; column: d output / d element, one per output."""
    base: tuple[TensorValue | None, ...] = ()
    """random: what the upstream gradient itself gives, one per edge."""
    moved: tuple[TensorValue | None, ...] = ()
    """random: what the upstream gradient plus the vector gives, one per edge."""
    has_run_code: bool = False
    """True when gradb ran the script's own code for it."""
    note: str = ""
    """Why nothing was measured."""


@dataclass(frozen=True, slots=True)
class AccumulateDetail:
    """A .grad buffer was filled."""

    tensor: int
    """Tensor id of the leaf."""
    parameter: str
    """Name of the leaf (``a``, ``layer1.0.weight``), or ``leaf #id``."""
    before: TensorValue | None
    """None where ``.grad`` was None."""
    added: TensorValue | None
    after: TensorValue | None
    backward: int = 0
    """seq of the backward_start event."""
    calls: int | None = None
    """As in ``OpDetail``."""


@dataclass(frozen=True, slots=True)
class HookDetail:
    """A hook of the script's own was registered on a tensor, or has run."""

    kind: str
    """``tensor``, ``node pre``, ``node``, ``post-accumulate``, ``module pre`` or ``module``; ``removed`` where one was
    taken off again."""
    function: str
    """The hook's qualified name."""
    where: str
    """``file:line`` of its definition, or empty."""
    tensor: int
    """Tensor id of the tensor it hangs on; 0 for nodes and modules."""
    output_nr: int
    """Which output of the node that tensor is."""
    has_run: bool
    """False where it was registered only."""
    is_changed: bool
    """True when the gradients it was given are not those that go on."""
    before: tuple[Tensor | None, ...]
    """The gradients it was given: upstream of a node, or downstream for ``node`` and ``module``; ``.grad`` for
    ``post-accumulate``."""
    after: tuple[Tensor | None, ...]
    """The same after it."""
    backward: int
    """seq of the backward_start event; 0 where it was registered only."""
    is_inplace: bool = False
    """True when it wrote into what it was given: whoever else was sent the same tensor gets the change too."""
    error: str = ""
    """``Type: message`` of what it raised."""


@dataclass(frozen=True, slots=True)
class BackwardEndDetail:
    """The engine returned or raised."""

    start: int
    results: tuple[Tensor | None, ...] = ()
    """What ``torch.autograd.grad`` returned; empty for backward."""
    error: str = ""
    """``Type: message`` where the engine raised."""


@dataclass(frozen=True, slots=True)
class BufferChange:
    """One gradient that was cleared or changed."""

    tensor: int
    parameter: str
    before: TensorValue | None
    """None where ``.grad`` was None."""
    after: TensorValue | None
    """None for set-to-none."""


@dataclass(frozen=True, slots=True)
class ZeroGradDetail:
    """Gradients were cleared."""

    idiom: str
    """``optimizer.zero_grad``, ``module.zero_grad``, ``grad.zero_``, ``grad = None`` or ``del grad``, or what else left
    nothing but zeros (``grad.mul_``, ``grad = value``); what gradb itself cleared is ``policy on``."""
    cleared: tuple[BufferChange, ...]
    """What was to be cleared; of a suppressed call, ``after`` is what was there before."""
    is_suppressed: bool = False
    """True when the policy ``off`` made the call do nothing."""


@dataclass(frozen=True, slots=True)
class GradChangeDetail:
    """Gradients were changed, and are not all zero."""

    by: str
    """``clip_grad_norm_``, ``GradScaler.unscale_``, ``grad.div_``, ``grad = value``, ``grad.data = value`` ..."""
    changed: tuple[BufferChange, ...]
    """Only those that are not what they were."""
    norm_before: float | None
    """2-norm of all elements of those gradients together; None where it is not known."""
    norm_after: float | None


@dataclass(frozen=True, slots=True)
class StepDetail:
    """An optimizer step returned."""

    optimizer: str
    learning_rates: tuple[float, ...]
    """The rate that the step used, one per parameter group."""
    parameters: tuple[Tensor, ...]
    """The parameters after the step; empty while only watching."""
    before: tuple[TensorValue | None, ...] = ()
    """Each parameter's value before the step, in the order of ``parameters``; None where it is not known."""
    gradients: tuple[TensorValue | None, ...] = ()
    """Each parameter's ``.grad`` as the step found it; None is None."""
    groups: tuple[int, ...] = ()
    """Each parameter's group: an index into ``learning_rates``."""
    is_unnoticed: bool = False
    """True when no parameter's version was raised, as by a fused step: autograd does not see that they changed."""
    skipped: str = ""
    """Why GradScaler skipped the step, ``inf in weight.grad``; empty where it was made."""


@dataclass(frozen=True, slots=True)
class LossDetail:
    """A backward was run while only watching."""

    roots: tuple[tuple[str, float], ...]
    """Name and value of each scalar it began from."""


@dataclass(frozen=True, slots=True)
class InterventionDetail:
    """Something was changed from outside."""

    what: str
    """``zero_grad`` (the policy) or ``lr`` (the learning rate of every optimizer)."""
    before: str
    """``script`` or what it was set to before."""
    after: str
    """``script``, ``off`` or ``on``; ``script`` or a number."""


@dataclass(frozen=True, slots=True)
class DepthDetail:
    """Recording became more or less detailed."""

    depth: str
    """``full`` (every event) or ``watch`` (losses, gradient norms, interventions, errors and output)."""
    reason: str
    """One clause: who or what asked for it."""
    leaves: tuple[Tensor, ...] = ()
    """When everything is recorded again: the leaves as they are then."""
    gradients: tuple[TensorValue | None, ...] = ()
    """Their ``.grad``, in the order of ``leaves``."""


@dataclass(frozen=True, slots=True)
class OutputDetail:
    """The script printed."""

    stream: str
    """``stdout`` or ``stderr``."""
    text: str


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """An exception."""

    type: str
    message: str
    traceback: str = ""
    """Python's own rendering, without gradb's frames; empty for one seen where it was raised."""
    is_uncaught: bool = True


@dataclass(frozen=True, slots=True)
class NoteDetail:
    """gradb about itself."""

    text: str


@dataclass(frozen=True, slots=True)
class EndDetail:
    """The run is over."""

    exit_code: int | None
    """The process's exit code; None when a signal ended it."""
    signal: int | None = None
    reason: str = ""
    """One clause: ``finished``, ``sys.exit(3)``, ``killed by SIGKILL``."""


Detail = (
    LeafDetail
    | OpDetail
    | BackwardStartDetail
    | NodeStartDetail
    | AtenDetail
    | NodeDetail
    | ProbeDetail
    | AccumulateDetail
    | HookDetail
    | BackwardEndDetail
    | ZeroGradDetail
    | GradChangeDetail
    | StepDetail
    | LossDetail
    | InterventionDetail
    | DepthDetail
    | OutputDetail
    | ErrorDetail
    | NoteDetail
    | EndDetail
)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the grad_fn graph."""

    id: int
    name: str
    """e.g. ``MulBackward0``; ``AccumulateGrad`` for leaves."""
    event: int
    """seq of the event at which it was first seen."""
    kind: str
    """``builtin``, ``custom`` (a Python autograd.Function), ``accumulate`` or ``compiled``."""
    saves: bool
    """True when nodes of this class hold saved tensors, which a backward without retain_graph frees."""
    tensor: int | None = None
    """accumulate nodes: tensor id of the leaf."""
    edges: tuple[Edge, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Edge:
    """An entry of ``next_functions``."""

    to: int | None
    """Node id, or None where no gradient is wanted."""
    input_nr: int = 0
    """Which output of the ``to`` node this edge feeds."""
