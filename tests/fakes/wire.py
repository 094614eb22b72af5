"""Turns details back into wire forms: what is read must be what was written, and fakes of tapes have to be written."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import assert_never

from gradb.tape.kinds import (
    accumulate,
    aten,
    backward_end,
    backward_start,
    breakpoint as breakpoint_,
    depth,
    end,
    error,
    grad_change,
    hook,
    intervention,
    leaf,
    loss,
    node,
    node_start,
    note,
    op,
    output,
    print_,
    probe,
    step,
    zero_grad,
)
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.breakpoint import BreakpointDetail
from gradb.tape.kinds.buffer import BufferChange, write_buffer
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.jacobian import Axis, Probe, write_probe
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.loss import LossDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart
from gradb.tape.kinds.probe import ProbeDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor, write_head, write_tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.saved import SavedEntry, SavedRecord, write_empty, write_entry, write_saved, write_unread
from gradb.tape.values import TensorValue
from gradb.tape.wire import (
    Blob,
    Wire,
    dumps,
    with_note,
    write_form,
    write_pair,
    write_stats,
    write_summary,
    write_unkept,
    write_whole,
)


def _printed(d: PrintDetail, blob: Blob) -> str:
    parts = [_printed_part(part, blob) for part in d.parts]
    return print_.write(
        expression=d.expression, function=d.function, parts=parts, error=d.error, output=d.output,
        changed=d.changed, notes=d.notes,
    )  # fmt: skip


def _printed_part(part: PrintedPart, blob: Blob) -> str:
    if (tensor := part.tensor) is None:
        return print_.write_part(part.path, part.type, part.text)
    value = _value(tensor.value, blob)
    text = print_.write_printed_tensor(value, tensor.device, tensor.requires_grad, tensor.node)
    return print_.write_part(part.path, part.type, part.text, text)


def _value(value: TensorValue | None, blob: Blob) -> str:
    if value is None:
        return "null"
    form, stats = write_form(value.shape, value.dtype), value.stats
    if value.data is not None:
        text = write_whole(form, blob.add(value.data))
    elif stats is None:
        return write_unkept(value.shape, value.dtype, value.note)
    else:
        numbers = [stats.minimum, stats.maximum, stats.mean, stats.norm, stats.nan, stats.posinf, stats.neginf]
        corner = blob.add(struct.pack(f"<{len(stats.corner)}d", *stats.corner))
        text = write_summary(form, write_stats(dumps(numbers)[1:-1], corner, len(stats.corner), stats.first))
    return with_note(text, value.note) if value.note else text


def _values(values: Iterable[TensorValue | None], blob: Blob) -> str:
    return ",".join(_value(value, blob) for value in values)


def _tensor(tensor: Tensor | None, blob: Blob) -> str:
    if tensor is None:
        return "null"
    head, value = write_head(tensor.id, tensor.name), _value(tensor.value, blob)
    return write_tensor(head, tensor.requires_grad, tensor.node, tensor.output_nr, value)


def _tensors(tensors: Iterable[Tensor | None], blob: Blob) -> str:
    return ",".join(_tensor(tensor, blob) for tensor in tensors)


def _error(d: ErrorDetail, blob: Blob) -> str:
    inputs, arguments = _tensors(d.inputs, blob), _pairs(d.arguments)
    call = error.write_call(dumps(d.function), inputs, arguments) if d.function else ""
    return error.write(
        type=d.type,
        message=d.message,
        traceback=d.traceback,
        is_uncaught=d.is_uncaught,
        is_raised=d.is_raised,
        call=call,
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return ",".join(write_pair(*pair) for pair in pairs)


def _probes(probes: Iterable[Probe], blob: Blob) -> str:
    return dumps([_probe(probe, blob) for probe in probes])


def _probe(probe: Probe, blob: Blob) -> Wire:
    return write_probe(
        rows=probe.rows, columns=probe.columns, dtype=probe.dtype, note=probe.note,
        offset=None if probe.data is None else blob.add(probe.data), outputs=map(_axis, probe.outputs),
        input=None if probe.input is None else _axis(probe.input), noise=probe.noise, direction=probe.direction,
    )  # fmt: skip


def _axis(axis: Axis) -> tuple[tuple[int, ...], bool]:
    return axis.shape, axis.is_complex


def _buffers(changes: Iterable[BufferChange], blob: Blob) -> list[str]:
    return [
        write_buffer(
            tensor=one.tensor, parameter=one.parameter, before=_value(one.before, blob), after=_value(one.after, blob)
        )
        for one in changes
    ]


def encode(detail: Detail) -> tuple[str, bytes | None]:
    """Return the JSON text and the blob of a detail."""
    blob = Blob()
    text = _early(detail, blob) if isinstance(detail, _Early) else _late(detail, blob)
    return text, blob.join()


_Early = LeafDetail | OpDetail | AtenDetail | BackwardStartDetail | NodeStartDetail | NodeDetail | ProbeDetail


def _early(detail: _Early, blob: Blob) -> str:
    d = detail
    match d:
        case LeafDetail():
            return leaf.write(tensor=_tensor(d.tensor, blob), how=d.how)
        case OpDetail():
            return op.write(
                function=dumps(d.function), inputs=_tensors(d.inputs, blob), outputs=_tensors(d.outputs, blob),
                arguments=_pairs(d.arguments), nodes=list(d.nodes), is_inplace=d.is_inplace, calls=d.calls,
                is_within=d.is_recomputed or d.inside is not None, inside=None if d.is_recomputed else d.inside,
            )  # fmt: skip
        case AtenDetail():
            return aten.write(
                start=d.start, number=d.number, function=d.function, inputs=_tensors(d.inputs, blob),
                outputs=_tensors(d.outputs, blob), arguments=_pairs(d.arguments), is_inplace=d.is_inplace,
            )  # fmt: skip
        case BackwardStartDetail():
            return backward_start.write(
                call=d.call, roots=_tensors(d.roots, blob), gradients=_tensors(d.gradients, blob),
                retain_graph=d.retain_graph, create_graph=d.create_graph,
                inputs=None if d.inputs is None else _tensors(d.inputs, blob),
                nodes=list(d.nodes), outer=d.outer, ends=list(d.ends),
            )  # fmt: skip
        case NodeStartDetail():
            upstream, probes = _tensors(d.upstream, blob), _probes(d.probes, blob)
            return node_start.write(backward=d.backward, upstream=upstream, probes=probes)
        case NodeDetail():
            downstream, left = _tensors(d.downstream, blob), _tensors(d.left, blob) if d.left else None
            return node.write(start=d.start, downstream=downstream, calls=d.calls, left=left)
        case ProbeDetail():
            probes = _probes(d.probes, blob)
            vector, result, base, moved = (f"[{_values(p, blob)}]" for p in (d.vector, d.result, d.base, d.moved))
            return probe.write(
                start=d.start, what=d.what, index=d.index, of=d.of, probes=probes, vector=vector, result=result,
                base=base, moved=moved, has_run_code=d.has_run_code, note=d.note,
            )  # fmt: skip
        case _:
            assert_never(d)


_Late = (
    AccumulateDetail
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
    | BreakpointDetail
    | PrintDetail
)


def _late(detail: _Late, blob: Blob) -> str:
    d = detail
    match d:
        case AccumulateDetail():
            before, added, after = (_value(value, blob) for value in (d.before, d.added, d.after))
            return accumulate.write(
                tensor=d.tensor, parameter=d.parameter, before=before, added=added, after=after, backward=d.backward,
                calls=d.calls,
            )  # fmt: skip
        case HookDetail():
            return hook.write(
                kind=d.kind, function=d.function, where=d.where, tensor=d.tensor, output_nr=d.output_nr,
                has_run=d.has_run, is_changed=d.is_changed, before=_tensors(d.before, blob),
                after=_tensors(d.after, blob), backward=d.backward, is_inplace=d.is_inplace, error=d.error,
            )  # fmt: skip
        case BackwardEndDetail():
            return backward_end.write(start=d.start, results=_tensors(d.results, blob), error=d.error)
        case ZeroGradDetail():
            return zero_grad.write(idiom=d.idiom, cleared=_buffers(d.cleared, blob), is_suppressed=d.is_suppressed)
        case GradChangeDetail():
            changed = _buffers(d.changed, blob)
            return grad_change.write(by=d.by, changed=changed, norm_before=d.norm_before, norm_after=d.norm_after)
        case StepDetail():
            return step.write(
                optimizer=d.optimizer, learning_rates=list(d.learning_rates), parameters=_tensors(d.parameters, blob),
                before=_values(d.before, blob), gradients=_values(d.gradients, blob), groups=list(d.groups),
                is_unnoticed=d.is_unnoticed, skipped=d.skipped, maker=_maker(d.maker),
            )  # fmt: skip
        case LossDetail():
            return loss.write(roots=list(d.roots))
        case InterventionDetail():
            return intervention.write(what=d.what, before=d.before, after=d.after)
        case DepthDetail():
            leaves, gradients = _tensors(d.leaves, blob), _values(d.gradients, blob)
            return depth.write(depth=d.depth, reason=d.reason, leaves=leaves, gradients=gradients)
        case OutputDetail():
            return output.write(stream=d.stream, text=d.text)
        case ErrorDetail():
            return _error(d, blob)
        case PrintDetail():
            return _printed(d, blob)
        case NoteDetail():
            return note.write(text=d.text)
        case EndDetail():
            return end.write(exit_code=d.exit_code, signal=d.signal, reason=d.reason)
        case BreakpointDetail():
            return breakpoint_.write(header=d.header)
        case _:
            assert_never(d)


def _entry(entry: SavedEntry, blob: Blob) -> str:
    if entry.form != "tensor":
        return write_empty(entry.name, entry.form, entry.note)
    return write_entry(
        entry.name, entry.tensor, entry.base, entry.storage, entry.size, entry.is_leaf, _value(entry.value, blob)
    )


def encode_saved(record: SavedRecord) -> tuple[str, bytes | None]:
    """Return the JSON text and the blob of what a node saved."""
    if record.note:
        return write_unread(record.note), None
    blob = Blob()
    return write_saved([_entry(entry, blob) for entry in record.tensors], record.arguments), blob.join()


def _maker(made: step.Maker | None) -> str:
    if made is None:
        return ""
    return step.write_maker(number=made.number, label=made.label, event=made.event, file=made.file, line=made.line)
