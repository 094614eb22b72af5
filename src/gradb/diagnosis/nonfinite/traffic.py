"""What an event read and what it made, as readings: one case a kind of event."""

from __future__ import annotations

from collections.abc import Sequence

from gradb.diagnosis.nonfinite.reading import Reading, Side, Source
from gradb.frame.origins import Origins
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.saved import SavedTensor
from gradb.tape.values import TensorValue


def made(origins: Origins, seq: int) -> list[Reading]:
    """Return the values that an event made."""
    match origins.detail(seq):
        case OpDetail(outputs=outputs):
            return _tensors(origins, seq, "made", "output", outputs)
        case LeafDetail(tensor):
            return _tensors(origins, seq, "made", "output", [tensor])
        case NodeDetail(downstream=downstream):
            return _gradients(seq, "made", "downstream", downstream)
        case HookDetail(kind="post-accumulate", has_run=True, after=after) as hook:
            return _of_leaf(origins, seq, "made", "after", hook, after)
        case HookDetail(has_run=True, after=after):
            return _gradients(seq, "made", "after", after)
        case AccumulateDetail() as filled:
            return _buffer(seq, "made", "after", 0, filled.tensor, filled.parameter, filled.after)
        case GradChangeDetail(changed=changed):
            found = enumerate(changed)
            return [r for i, c in found for r in _buffer(seq, "made", "after", i, c.tensor, c.parameter, c.after)]
        case StepDetail(parameters=parameters):
            return _tensors(origins, seq, "made", "parameter", parameters)
        case DepthDetail(leaves=leaves, gradients=gradients):
            pairs = enumerate(zip(leaves, gradients, strict=True))
            told = [r for i, (t, v) in pairs for r in _buffer(seq, "made", "gradient", i, t.id, t.name or "", v)]
            return _tensors(origins, seq, "made", "leaf", leaves) + told
        case BackwardEndDetail(results=results):
            kept = [(i, t) for i, t in enumerate(results) if t is not None]
            return [r.at(None) for i, t in kept for r in _tensors(origins, seq, "made", "result", [t], i)]
    return []


def read(origins: Origins, seq: int) -> list[Reading]:
    """Return the values that an event read, whatever it made of them."""
    match origins.detail(seq):
        case OpDetail(function="torch.autograd.grad", outputs=outputs):
            return _captured(origins, seq, outputs)
        case OpDetail(inputs=inputs) as op:
            written = _written(op)
            return [one for one in _tensors(origins, seq, "read", "input", inputs) if one.number not in written]
        case NodeStartDetail() as start:
            return _upstream(origins, seq, start)
        case NodeDetail(start=begun):
            return read(origins, begun) + saved(origins, seq)
        case HookDetail(has_run=True) as hook:
            return _before_hook(origins, seq, hook)
        case AccumulateDetail() as filled:
            return _accumulated(origins, seq, filled)
        case GradChangeDetail(changed=changed):
            found = enumerate(changed)
            return [r for i, c in found for r in _buffer(seq, "read", "before", i, c.tensor, c.parameter, c.before)]
        case StepDetail() as step:
            return _stepped(origins, seq, step)
        case BackwardStartDetail(roots=roots, gradients=gradients):
            given = [tensor for tensor in gradients if tensor is not None]
            return _tensors(origins, seq, "read", "root", roots) + _tensors(origins, seq, "read", "gradient", given)
        case BackwardEndDetail(results=results):
            return _captured(origins, seq, results)
    return []


def read_for(origins: Origins, result: Reading) -> list[Reading]:
    """Return the values that an event read to make one of its values."""
    found = read(origins, result.event)
    detail = origins.detail(result.event)
    if isinstance(detail, StepDetail | BackwardEndDetail) or _is_call_of_grad(detail):
        return [one for one in found if one.number == result.number]
    if isinstance(detail, GradChangeDetail):
        if detail.by.startswith(("grad =", "grad.data =")):
            return []  # the script has put another tensor there, of which the tape does not say where it came from
        return sorted(found, key=lambda one: one.number != result.number)
    return found


def _written(op: OpDetail) -> set[int]:
    """Return the inputs that an op has written to besides its results: the running statistics of a batch norm."""
    if op.function.rpartition(".")[2] not in {"batch_norm", "instance_norm"}:
        return set()
    if any(name in {"training", "use_input_stats"} and text == "False" for name, text in op.arguments):
        return set()
    found = set()
    for position, (name, text) in enumerate(op.arguments):
        if name in {"running_mean", "running_var"} or (not name and position in {1, 2}):
            found |= {int(text[1:])} if text[:1] == "%" and text[1:].isdecimal() else set()
    return found


def _tensors(
    origins: Origins, seq: int, side: Side, role: str, tensors: Sequence[Tensor], first: int = 0
) -> list[Reading]:
    return [
        Reading(seq, side, role, first + index, _name(origins, one, seq), one.value, "tensor", one.id)
        for index, one in enumerate(tensors)
    ]


def _name(origins: Origins, tensor: Tensor, seq: int) -> str:
    return tensor.name or (origins.label(tensor.id, seq) if tensor.id else None) or ""


def _gradients(seq: int, side: Side, role: str, tensors: Sequence[Tensor | None]) -> list[Reading]:
    return [
        Reading(seq, side, role, index, one.name or "", one.value, tensor=one.id)
        for index, one in enumerate(tensors)
        if one is not None
    ]


def _buffer(
    seq: int, side: Side, role: str, index: int, tensor: int, parameter: str, value: TensorValue | None
) -> list[Reading]:
    name = f"{parameter}.grad" if parameter else "a .grad"
    return [] if value is None else [Reading(seq, side, role, index, name, value, "buffer", tensor)]


# --- the engine -------------------------------------------------------------------------------------------------------


def _upstream(origins: Origins, seq: int, start: NodeStartDetail) -> list[Reading]:
    return _arriving(seq, "upstream", start.upstream, origins.event(seq).node, start.backward)


def _arriving(
    seq: int, role: str, tensors: Sequence[Tensor | None], node: int | None, backward: int, number: int | None = None
) -> list[Reading]:
    return [
        Reading(
            seq,
            "read",
            role,
            index if number is None else number,
            "",
            one.value,
            "upstream",
            one.id,
            node,
            backward,
        )
        for index, one in enumerate(tensors)
        if one is not None
    ]


def saved(origins: Origins, seq: int) -> list[Reading]:
    """Return what a node had from its forward: the inputs and results of its op, as the op's event shows them.

    ``seq``: the event at which it is about to run, or has run.
    """
    node = origins.node(origins.event(seq).node)
    if node is None or node.kind == "accumulate" or not (node.saves or node.kind == "custom"):
        return []
    detail = origins.detail(node.event)
    if isinstance(detail, OpDetail) and node.id in detail.nodes:
        return read(origins, node.event) + made(origins, node.event)
    kept = origins.saved(node.id, seq)
    if kept is None or (node.saves and not kept.tensors):
        note = "what it saved is not on the tape"
        return [Reading(seq, "read", "saved", 0, "", TensorValue((), "float32", note=note))]
    return [_kept(seq, index, one) for index, one in enumerate(kept.tensors) if one.value is not None]


def _kept(seq: int, index: int, one: SavedTensor) -> Reading:
    value = one.used or one.value
    assert value is not None
    return Reading(seq, "read", "saved", index, one.variable or one.name, value)


def _before_hook(origins: Origins, seq: int, hook: HookDetail) -> list[Reading]:
    node = origins.event(seq).node
    if hook.kind in {"tensor", "node pre", "module pre"}:
        number = hook.output_nr if hook.kind == "tensor" else None
        return _arriving(seq, "before", hook.before, node, hook.backward, number)
    if hook.kind == "post-accumulate":
        return _of_leaf(origins, seq, "read", "before", hook, hook.before)
    return _gradients(seq, "read", "before", hook.before)


def _of_leaf(
    origins: Origins, seq: int, side: Side, role: str, hook: HookDetail, tensors: Sequence[Tensor | None]
) -> list[Reading]:
    """Return the ``.grad`` of a leaf as a hook found or left it."""
    leaf = origins.label(hook.tensor, seq) or ""
    pairs = [(i, t) for i, t in enumerate(tensors) if t is not None]
    return [r for i, t in pairs for r in _buffer(seq, side, role, i, hook.tensor, leaf, t.value)]


def _accumulated(origins: Origins, seq: int, filled: AccumulateDetail) -> list[Reading]:
    node = origins.event(seq).node
    before = _buffer(seq, "read", "before", 0, filled.tensor, filled.parameter, filled.before)
    if filled.added is None:
        return before
    return [*before, Reading(seq, "read", "added", 0, "", filled.added, "upstream", 0, node, filled.backward)]


def _captured(origins: Origins, seq: int, results: Sequence[Tensor | None]) -> list[Reading]:
    """Return what arrived at the inputs of a call of ``autograd.grad``, which is what it returned."""
    end = origins.latest("backward_end", seq)
    ended = None if end is None else origins.detail(end)
    start = origins.detail(ended.start) if isinstance(ended, BackwardEndDetail) else None
    if not isinstance(start, BackwardStartDetail) or not isinstance(ended, BackwardEndDetail):
        return []
    wanted = start.inputs or ()
    if len(wanted) != len(results):  # some were not used: which is not told
        return []
    return [
        Reading(seq, "read", "captured", i, "", result.value, "upstream", 0, given.node, ended.start)
        for i, (given, result) in enumerate(zip(wanted, results, strict=True))
        if result is not None and given.output_nr == 0
    ]


def _is_call_of_grad(detail: Detail) -> bool:
    return isinstance(detail, OpDetail) and detail.function == "torch.autograd.grad"


# --- the optimizer ----------------------------------------------------------------------------------------------------


def _stepped(origins: Origins, seq: int, step: StepDetail) -> list[Reading]:
    found = []
    for index, parameter in enumerate(step.parameters):
        name = _name(origins, parameter, seq)
        source: Source = "tensor"
        before = step.before[index] if index < len(step.before) else None
        if before is not None:
            found.append(Reading(seq, "read", "before", index, name, before, source, parameter.id))
        gradient = step.gradients[index] if index < len(step.gradients) else None
        found += _buffer(seq, "read", "gradient", index, parameter.id, name, gradient)
    return found
