"""Turns details back into wire forms: what is read must be what was written, and fakes of tapes have to be written."""

from __future__ import annotations

import struct
from typing import Any

from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.buffer import BufferChange
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.jacobian import Axis, Probe
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.loss import LossDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.probe import ProbeDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.saved import SavedEntry, SavedRecord
from gradb.tape.values import TensorValue
from gradb.tape.wire import Blob, Wire, dumps


def _value(value: TensorValue | None, blob: Blob) -> Wire | None:
    if value is None:
        return None
    stats: Wire | None = None
    if value.stats is not None:
        s = value.stats
        corner = _pack_corner(s.corner)
        stats = [s.minimum, s.maximum, s.mean, s.nan, s.posinf, s.neginf, blob.add(corner), len(s.corner)]
        stats += [] if s.first is None else [s.first]
    offset = None if value.data is None else blob.add(value.data)
    return [list(value.shape), value.dtype, offset, stats, value.note]


def _pack_corner(corner: tuple[Any, ...]) -> bytes:
    return struct.pack(f"<{len(corner)}d", *corner)


def _tensor(tensor: Tensor | None, blob: Blob) -> Wire | None:
    if tensor is None:
        return None
    value = _value(tensor.value, blob)
    return [tensor.id, tensor.name, tensor.requires_grad, tensor.node, tensor.output_nr, value]


def _tensors(tensors: tuple[Tensor | None, ...], blob: Blob) -> Wire:
    return [_tensor(tensor, blob) for tensor in tensors]


def _probe(probe: Probe, blob: Blob) -> Wire:
    offset = None if probe.data is None else blob.add(probe.data)
    wire: Wire = [probe.rows, probe.columns, probe.dtype, offset, probe.note]
    if probe.direction is not None:
        return [*wire, list(probe.direction)]
    if probe.input is None:
        return wire
    return [*wire, [_axis(axis) for axis in probe.outputs], _axis(probe.input), probe.noise]


def _axis(axis: Axis) -> Wire:
    return [list(axis.shape), axis.is_complex]


def _calls(calls: int | None) -> Wire:
    return [] if calls is None else [calls]


def _buffers(changes: tuple[BufferChange, ...], blob: Blob) -> Wire:
    return [[one.tensor, one.parameter, _value(one.before, blob), _value(one.after, blob)] for one in changes]


def encode(detail: Detail) -> tuple[str, bytes | None]:
    """Return the JSON text and the blob of a detail."""
    blob = Blob()
    wire = _wire(detail, blob)
    return dumps(wire), blob.join()


def _wire(detail: Detail, blob: Blob) -> Wire:
    match detail:
        case LeafDetail(tensor, how):
            return [_tensor(tensor, blob), how]
        case OpDetail():
            inputs, outputs = _tensors(detail.inputs, blob), _tensors(detail.outputs, blob)
            arguments = [list(pair) for pair in detail.arguments]
            within = [True] if detail.is_recomputed else [] if detail.inside is None else [detail.inside]
            rest = [detail.calls, *within] if within else _calls(detail.calls)
            return [detail.function, inputs, outputs, arguments, list(detail.nodes), detail.is_inplace, *rest]
        case BackwardStartDetail():
            roots, gradients = _tensors(detail.roots, blob), _tensors(detail.gradients, blob)
            wanted = None if detail.inputs is None else _tensors(detail.inputs, blob)
            flags = [detail.retain_graph, detail.create_graph]
            ends = [list(detail.ends)] if detail.ends else []
            outer = [detail.outer] if detail.outer or ends else []
            return [detail.call, roots, gradients, *flags, wanted, list(detail.nodes), *outer, *ends]
        case NodeStartDetail():
            probes = [_probe(probe, blob) for probe in detail.probes]
            return [detail.backward, _tensors(detail.upstream, blob), probes]
        case AtenDetail():
            inputs, outputs = _tensors(detail.inputs, blob), _tensors(detail.outputs, blob)
            arguments = [list(pair) for pair in detail.arguments]
            return [detail.start, detail.number, detail.function, inputs, outputs, arguments, detail.is_inplace]
        case NodeDetail(start, downstream, calls, left):
            sent = _tensors(downstream, blob)
            return [start, sent, calls, _tensors(left, blob)] if left else [start, sent, *_calls(calls)]
        case ProbeDetail():
            probes = [_probe(probe, blob) for probe in detail.probes]
            parts = (detail.vector, detail.result, detail.base, detail.moved)
            told = [[_value(v, blob) for v in part] for part in parts]
            head = [detail.start, detail.what, detail.index, detail.of]
            return [*head, probes, *told, detail.has_run_code, detail.note]
        case AccumulateDetail():
            values = [_value(v, blob) for v in (detail.before, detail.added, detail.after)]
            return [detail.tensor, detail.parameter, *values, detail.backward, *_calls(detail.calls)]
        case HookDetail():
            head = [detail.kind, detail.function, detail.where, detail.tensor, detail.output_nr]
            values = [_tensors(detail.before, blob), _tensors(detail.after, blob)]
            more = [detail.is_inplace, detail.error] if detail.is_inplace or detail.error else []
            return [*head, detail.has_run, detail.is_changed, *values, detail.backward, *more]
        case BackwardEndDetail(start, results, error):
            return [start, _tensors(results, blob), error]
        case ZeroGradDetail(idiom, cleared, is_suppressed):
            return [idiom, _buffers(cleared, blob), is_suppressed]
        case GradChangeDetail(by, changed, norm_before, norm_after):
            return [by, _buffers(changed, blob), norm_before, norm_after]
        case StepDetail():
            after, before = _tensors(detail.parameters, blob), [_value(v, blob) for v in detail.before]
            gradients = [_value(v, blob) for v in detail.gradients]
            ending: Wire = [detail.is_unnoticed, detail.skipped] if detail.skipped else [True] * detail.is_unnoticed
            rates = list(detail.learning_rates)
            return [detail.optimizer, rates, after, before, gradients, list(detail.groups), *ending]
        case LossDetail(roots):
            return [list(root) for root in roots]
        case InterventionDetail(what, earlier, later):
            return [what, earlier, later]
        case DepthDetail(depth, reason, leaves, gradients):
            return [depth, reason, _tensors(leaves, blob), [_value(v, blob) for v in gradients]]
        case OutputDetail(stream, text):
            return [stream, text]
        case ErrorDetail(type_, message, traceback, is_uncaught):
            return [type_, message, traceback, is_uncaught]
        case NoteDetail(text):
            return [text]
        case EndDetail(exit_code, signal, reason):
            return [exit_code, signal, reason]


def _entry(entry: SavedEntry, blob: Blob) -> Wire:
    places = [entry.tensor, entry.base, entry.storage, entry.size, entry.is_leaf]
    return [entry.name, entry.form, *places, _value(entry.value, blob), entry.note]


def encode_saved(record: SavedRecord) -> tuple[str, bytes | None]:
    """Return the JSON text and the blob of what a node saved."""
    blob = Blob()
    wire = [record.note, [_entry(entry, blob) for entry in record.tensors], [list(pair) for pair in record.arguments]]
    return dumps(wire), blob.join()
