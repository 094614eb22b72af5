"""Reads the wire form of event details back (see ``codec``), and checks every size: a tape may come from anywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from gradb.tape.codec import Wire
from gradb.tape.events import (
    AccumulateDetail,
    AtenDetail,
    Axis,
    BackwardEndDetail,
    BackwardStartDetail,
    BufferChange,
    DepthDetail,
    Detail,
    EndDetail,
    ErrorDetail,
    GradChangeDetail,
    HookDetail,
    InterventionDetail,
    LeafDetail,
    LossDetail,
    NodeDetail,
    NodeStartDetail,
    NoteDetail,
    OpDetail,
    OutputDetail,
    Probe,
    ProbeDetail,
    StepDetail,
    Tensor,
    ZeroGradDetail,
)
from gradb.tape.saved import SavedEntry, SavedRecord
from gradb.tape.values import Stats, TensorValue, decode as decode_numbers, element_size

_MAX_RANK = 64


class CodecError(ValueError):
    """A detail that does not follow the wire form."""


def _slice(data: bytes, offset: Any, length: int) -> bytes:
    if not isinstance(offset, int) or offset < 0 or length < 0 or offset + length > len(data):
        raise CodecError("a value lies outside of its event's data")
    return data[offset : offset + length]


def _shape(raw: Any) -> tuple[int, ...]:
    if len(raw) > _MAX_RANK or not all(isinstance(n, int) and n >= 0 for n in raw):
        raise CodecError("a shape is not a list of sizes")
    return tuple(raw)


def _read_stats(raw: Any, data: bytes) -> Stats:
    minimum, maximum, mean, nan, posinf, neginf, offset, count, *first = raw
    corner = tuple(decode_numbers(_slice(data, offset, 8 * count), "float64"))
    return Stats(
        _float(minimum), _float(maximum), _float(mean), int(nan), int(posinf), int(neginf), corner, _calls(first)
    )


def _float(raw: Any) -> float | None:
    return None if raw is None else float(raw)


def _read_value(raw: Any, data: bytes) -> TensorValue | None:
    if raw is None:
        return None
    raw_shape, dtype, offset, stats, note = raw
    shape = _shape(raw_shape)
    content = None
    if offset is not None:
        size = element_size(dtype)
        if size is None:
            raise CodecError(f"values of dtype {dtype!r} cannot be decoded")
        content = _slice(data, offset, size * math.prod(shape))
    kept = None if stats is None else _read_stats(stats, data)
    return TensorValue(shape, str(dtype), content, kept, str(note))


def _read_tensor(raw: Any, data: bytes) -> Tensor | None:
    if raw is None:
        return None
    id_, name, requires_grad, node, output_nr, value = raw
    decoded = _read_value(value, data)
    if decoded is None:
        raise CodecError("a tensor has no value record")
    return Tensor(int(id_), _text(name), decoded, bool(requires_grad), _int(node), int(output_nr))


def _text(raw: Any) -> str | None:
    return None if raw is None else str(raw)


def _int(raw: Any) -> int | None:
    return None if raw is None else int(raw)


def _optional(raw: Any, data: bytes) -> tuple[Tensor | None, ...]:
    return tuple(_read_tensor(item, data) for item in raw)


def _present(raw: Any, data: bytes) -> tuple[Tensor, ...]:
    return tuple(tensor for tensor in _optional(raw, data) if tensor is not None)


def _ints(raw: Any) -> tuple[int, ...]:
    return tuple(int(item) for item in raw)


def _read_leaf(raw: Wire, data: bytes) -> Detail:
    (tensor,) = _present(raw[:1], data)
    return LeafDetail(tensor, str(raw[1]))


def _read_op(raw: Wire, data: bytes) -> Detail:
    function, inputs, outputs, arguments, nodes, inplace, *rest = raw
    seen, made = _present(inputs, data), _present(outputs, data)
    known = _pairs(arguments), _ints(nodes), bool(inplace), _calls(rest[:1])
    if len(rest) > 2:
        raise CodecError("there is more than belongs to an event")
    within = rest[1] if len(rest) == 2 else None
    return OpDetail(str(function), seen, made, *known, within is True, None if within is True else _int(within))


def _read_aten(raw: Wire, data: bytes) -> Detail:
    start, number, function, inputs, outputs, arguments, inplace = raw
    seen, made = _present(inputs, data), _present(outputs, data)
    return AtenDetail(int(start), int(number), str(function), seen, made, _pairs(arguments), bool(inplace))


def _pairs(raw: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(keyword), str(text)) for keyword, text in raw)


def _calls(rest: Any) -> int | None:
    """Read what may be left out at the end of an op, node or accumulation."""
    if len(rest) > 1:
        raise CodecError("there is more than belongs to an event")
    return _int(rest[0]) if rest else None


def _read_backward_start(raw: Wire, data: bytes) -> Detail:
    call, roots, gradients, retain, create, wanted, nodes, *more = raw
    if len(more) > 2:
        raise CodecError("there is more than belongs to an event")
    inputs = None if wanted is None else _present(wanted, data)
    return BackwardStartDetail(
        str(call),
        _present(roots, data),
        _optional(gradients, data),
        bool(retain),
        bool(create),
        inputs,
        _ints(nodes),
        _calls(more[:1]) or 0,
        _ints(more[1]) if len(more) > 1 else (),
    )


def _read_probe(raw: Any, data: bytes) -> Probe:
    rows, columns, dtype, offset, note, *axes = raw
    if not (isinstance(rows, int) and isinstance(columns, int) and rows >= 0 and columns >= 0):
        raise CodecError("a Jacobian has no size")
    content = None
    if offset is not None:
        size = element_size(dtype)
        if size is None:
            raise CodecError(f"values of dtype {dtype!r} cannot be decoded")
        content = _slice(data, offset, size * rows * columns)
    if len(axes) < 3:
        return Probe(rows, columns, str(dtype), content, str(note), direction=_direction(axes))
    outputs, wanted = tuple(_read_axis(axis) for axis in axes[0]), _read_axis(axes[1])
    if sum(axis.size for axis in outputs) != rows or wanted.size != columns:
        raise CodecError("a Jacobian is not of the size of its tensors")
    noise = float(axes[2])
    if not 0 <= noise < math.inf:
        raise CodecError("the rounding of a formula is no number")
    return Probe(rows, columns, str(dtype), content, str(note), outputs, wanted, noise)


def _direction(raw: Wire) -> tuple[float, float, float] | None:
    if not raw:
        return None
    engine, formula, length = map(float, raw[0])
    return engine, formula, length


def _read_axis(raw: Any) -> Axis:
    shape, is_complex = raw
    return Axis(_shape(shape), bool(is_complex))


def _read_node_start(raw: Wire, data: bytes) -> Detail:
    backward, upstream, probes = raw
    return NodeStartDetail(int(backward), _optional(upstream, data), tuple(_read_probe(p, data) for p in probes))


def _read_node(raw: Wire, data: bytes) -> Detail:
    left = _optional(raw[3], data) if len(raw) > 3 else ()
    return NodeDetail(int(raw[0]), _optional(raw[1], data), _calls(raw[2:3] + raw[4:]), left)


def _read_asked(raw: Wire, data: bytes) -> Detail:
    start, what, index, of, probes, *values, code, note = raw
    vector, result, base, moved = (tuple(_read_value(item, data) for item in part) for part in values)
    measured = tuple(_read_probe(probe, data) for probe in probes)
    head = int(start), str(what), int(index), int(of)
    return ProbeDetail(*head, measured, vector, result, base, moved, bool(code), str(note))


def _read_accumulate(raw: Wire, data: bytes) -> Detail:
    tensor, parameter, before, added, after, backward, *rest = raw
    old, new, sum_ = (_read_value(item, data) for item in (before, added, after))
    return AccumulateDetail(int(tensor), str(parameter), old, new, sum_, int(backward), _calls(rest))


def _read_hook(raw: Wire, data: bytes) -> Detail:
    kind, function, where, tensor, output_nr, has_run, is_changed, before, after, backward, *more = raw
    words, place = (str(kind), str(function), str(where)), (int(tensor), int(output_nr))
    values = _optional(before, data), _optional(after, data)
    return HookDetail(*words, *place, bool(has_run), bool(is_changed), *values, int(backward), *_more(more))


def _more(more: Any) -> tuple[bool, str]:
    """Read what a hook's detail says only where it wrote into what it was given, or raised."""
    is_inplace, error = more or (False, "")
    return bool(is_inplace), str(error)


def _read_backward_end(raw: Wire, data: bytes) -> Detail:
    return BackwardEndDetail(int(raw[0]), _optional(raw[1], data), str(raw[2]))


def _read_zero_grad(raw: Wire, data: bytes) -> Detail:
    return ZeroGradDetail(str(raw[0]), _buffers(raw[1], data), bool(raw[2]))


def _read_grad_change(raw: Wire, data: bytes) -> Detail:
    by, changed, before, after = raw
    return GradChangeDetail(str(by), _buffers(changed, data), _float(before), _float(after))


def _buffers(raw: Any, data: bytes) -> tuple[BufferChange, ...]:
    return tuple(BufferChange(int(t), str(p), _read_value(b, data), _read_value(a, data)) for t, p, b, a in raw)


def _read_step(raw: Wire, data: bytes) -> Detail:
    optimizer, rates, parameters, before, gradients, groups, *more = raw
    old, found = (tuple(_read_value(item, data) for item in part) for part in (before, gradients))
    after = _present(parameters, data)
    if any(part and len(part) != len(after) for part in (old, found, groups)):
        raise CodecError("a step does not say the same of each parameter")
    numbers = tuple(float(rate) for rate in rates)
    told = bool(more and more[0]), str(more[1]) if len(more) > 1 else ""
    return StepDetail(str(optimizer), numbers, after, old, found, _ints(groups), *told)


def _read_depth(raw: Wire, data: bytes) -> Detail:
    depth, reason, leaves, gradients = raw
    tensors, values = _present(leaves, data), tuple(_read_value(item, data) for item in gradients)
    if len(tensors) != len(values):
        raise CodecError("a change of depth does not say the same of each leaf")
    return DepthDetail(str(depth), str(reason), tensors, values)


def _read_loss(raw: Wire, data: bytes) -> Detail:
    return LossDetail(tuple((str(name), float(value)) for name, value in raw))


def _read_end(raw: Wire, data: bytes) -> Detail:
    return EndDetail(_int(raw[0]), _int(raw[1]), str(raw[2]))


_READERS: dict[str, Callable[[Wire, bytes], Detail]] = {
    "leaf": _read_leaf,
    "op": _read_op,
    "backward_start": _read_backward_start,
    "node_start": _read_node_start,
    "aten": _read_aten,
    "node": _read_node,
    "probe": _read_asked,
    "accumulate": _read_accumulate,
    "hook": _read_hook,
    "backward_end": _read_backward_end,
    "zero_grad": _read_zero_grad,
    "grad_change": _read_grad_change,
    "step": _read_step,
    "loss": _read_loss,
    "intervention": lambda raw, data: InterventionDetail(str(raw[0]), str(raw[1]), str(raw[2])),
    "depth": _read_depth,
    "output": lambda raw, data: OutputDetail(str(raw[0]), str(raw[1])),
    "error": lambda raw, data: ErrorDetail(str(raw[0]), str(raw[1]), str(raw[2]), bool(raw[3])),
    "note": lambda raw, data: NoteDetail(str(raw[0])),
    "end": _read_end,
}


def decode(kind: str, text: str, data: bytes | None) -> Detail:
    """Read a detail back.

    Raises:
        CodecError: the kind is unknown, the JSON is not of the wire form, or a size does not fit.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise CodecError(f"unknown kind of event {kind!r}")
    try:
        return reader(json.loads(text), data or b"")
    except CodecError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise CodecError(f"the detail of a {kind} event is damaged: {error}") from error


def _read_entry(raw: Any, data: bytes) -> SavedEntry:
    name, form, tensor, base, storage, size, is_leaf, value, note = raw
    if form not in {"tensor", "none", "packed"}:
        raise CodecError("a saved tensor has no known form")
    if not (size is None or (isinstance(size, int) and size >= 0)):
        raise CodecError("a saved tensor has no size")
    ids = (int(tensor), int(base), int(storage))
    return SavedEntry(str(name), form, *ids, size, bool(is_leaf), _read_value(value, data), str(note))


def decode_saved(text: str, data: bytes | None) -> SavedRecord:
    """Read back what a node saved.

    Raises:
        CodecError: the JSON is not of the wire form, or a size does not fit.
    """
    try:
        note, tensors, arguments = json.loads(text)
        entries = tuple(_read_entry(item, data or b"") for item in tensors)
        return SavedRecord(str(note), entries, tuple((str(name), str(told)) for name, told in arguments))
    except CodecError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise CodecError(f"what a node saved is damaged: {error}") from error
