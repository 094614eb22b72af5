"""The wire form of event details: JSON for structure, one blob for the bytes of the values.

The tracer writes wire forms directly (it is the hot path); ``encode`` makes the same from the dataclasses (test fakes);
``decode`` reads them back and checks every size, for a tape may come from anywhere.

Wire forms (``T`` a tensor, ``V`` a value, ``null`` allowed where the dataclass says None):

======================  ======================================================================================
V                       ``[shape, dtype, offset or null, stats or null, note]``
stats                   ``[min, max, mean, nan, posinf, neginf, offset, count]`` (corner: count elements at offset)
T                       ``[id, name, requires_grad, node, output_nr, V]``
leaf                    ``[T, how]``
op                      ``[function, [T...], [T...], [[keyword, text]...], [node...], inplace]``
backward_start          ``[call, [T...], [T...], retain, create, [T...] or null, [node...]]``
node_start              ``[backward, [T...], [probe...]]`` with probe ``[rows, columns, dtype, offset or null, note]``
node                    ``[start, [T...]]``
accumulate              ``[tensor, parameter, V, V, V, backward]``
backward_end            ``[start, [T...], error]``
zero_grad               ``[idiom, [[tensor, parameter, V, V]...], suppressed]``
step                    ``[optimizer, [lr...], [T...], [V before...], [V gradient...], [group...]]``
loss                    ``[[name, value]...]``
intervention            ``[what, before, after]``
depth                   ``[depth, reason, [T...], [V...]]``
output                  ``[stream, text]``
error                   ``[type, message, traceback, uncaught]``
note                    ``[text]``
end                     ``[exit_code, signal, reason]``
======================  ======================================================================================
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

from gradb.tape.events import (
    AccumulateDetail,
    BackwardEndDetail,
    BackwardStartDetail,
    Cleared,
    DepthDetail,
    Detail,
    EndDetail,
    ErrorDetail,
    InterventionDetail,
    LeafDetail,
    LossDetail,
    NodeDetail,
    NodeStartDetail,
    NoteDetail,
    OpDetail,
    OutputDetail,
    Probe,
    StepDetail,
    Tensor,
    ZeroGradDetail,
)
from gradb.tape.values import Stats, TensorValue, decode as decode_numbers, element_size

Wire = list[Any]
_MAX_RANK = 64


class CodecError(ValueError):
    """A detail that does not follow the wire form."""


class Blob:
    """Collects the bytes of the values of one event."""

    __slots__ = ("has_nonfinite", "parts", "size")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.has_nonfinite = False
        """For the tracer: whether a value among these has a NaN or an infinity."""

    def add(self, data: bytes) -> int:
        """Append ``data`` and return its offset."""
        offset = self.size
        self.parts.append(data)
        self.size += len(data)
        return offset

    def join(self) -> bytes | None:
        """Return all bytes, or None when there are none."""
        return b"".join(self.parts) if self.parts else None


def _make_dumps() -> Callable[[Any], str]:
    """Return ``json.dumps`` without blanks; the C encoder is made once, where there is one, not at every call."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(separators=(",", ":")).encode
    quote = json.encoder.encode_basestring_ascii
    encode = make(None, json.JSONEncoder().default, quote, None, ":", ",", False, False, True)
    return lambda wire: "".join(encode(wire, 0))


dumps = _make_dumps()
"""Return the JSON text of a wire form, or of a part of one."""


# --- encoding ---------------------------------------------------------------------------------------------------------


def _value(value: TensorValue | None, blob: Blob) -> Wire | None:
    if value is None:
        return None
    stats: Wire | None = None
    if value.stats is not None:
        s = value.stats
        corner = _pack_corner(s.corner)
        stats = [s.minimum, s.maximum, s.mean, s.nan, s.posinf, s.neginf, blob.add(corner), len(s.corner)]
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
    return [probe.rows, probe.columns, probe.dtype, offset, probe.note]


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
            return [detail.function, inputs, outputs, arguments, list(detail.nodes), detail.is_inplace]
        case BackwardStartDetail():
            roots, gradients = _tensors(detail.roots, blob), _tensors(detail.gradients, blob)
            wanted = None if detail.inputs is None else _tensors(detail.inputs, blob)
            flags = [detail.retain_graph, detail.create_graph]
            return [detail.call, roots, gradients, *flags, wanted, list(detail.nodes)]
        case NodeStartDetail():
            probes = [_probe(probe, blob) for probe in detail.probes]
            return [detail.backward, _tensors(detail.upstream, blob), probes]
        case NodeDetail(start, downstream):
            return [start, _tensors(downstream, blob)]
        case AccumulateDetail():
            values = [_value(v, blob) for v in (detail.before, detail.added, detail.after)]
            return [detail.tensor, detail.parameter, *values, detail.backward]
        case BackwardEndDetail(start, results, error):
            return [start, _tensors(results, blob), error]
        case ZeroGradDetail(idiom, cleared, is_suppressed):
            rows = [[c.tensor, c.parameter, _value(c.before, blob), _value(c.after, blob)] for c in cleared]
            return [idiom, rows, is_suppressed]
        case StepDetail():
            after, before = _tensors(detail.parameters, blob), [_value(v, blob) for v in detail.before]
            gradients = [_value(v, blob) for v in detail.gradients]
            return [detail.optimizer, list(detail.learning_rates), after, before, gradients, list(detail.groups)]
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


# --- decoding ---------------------------------------------------------------------------------------------------------


def _slice(data: bytes, offset: Any, length: int) -> bytes:
    if not isinstance(offset, int) or offset < 0 or length < 0 or offset + length > len(data):
        raise CodecError("a value lies outside of its event's data")
    return data[offset : offset + length]


def _shape(raw: Any) -> tuple[int, ...]:
    if len(raw) > _MAX_RANK or not all(isinstance(n, int) and n >= 0 for n in raw):
        raise CodecError("a shape is not a list of sizes")
    return tuple(raw)


def _read_stats(raw: Any, data: bytes) -> Stats:
    minimum, maximum, mean, nan, posinf, neginf, offset, count = raw
    corner = tuple(decode_numbers(_slice(data, offset, 8 * count), "float64"))
    return Stats(_float(minimum), _float(maximum), _float(mean), int(nan), int(posinf), int(neginf), corner)


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
    function, inputs, outputs, arguments, nodes, inplace = raw
    pairs = tuple((str(keyword), str(text)) for keyword, text in arguments)
    return OpDetail(str(function), _present(inputs, data), _present(outputs, data), pairs, _ints(nodes), bool(inplace))


def _read_backward_start(raw: Wire, data: bytes) -> Detail:
    call, roots, gradients, retain, create, wanted, nodes = raw
    inputs = None if wanted is None else _present(wanted, data)
    return BackwardStartDetail(
        str(call),
        _present(roots, data),
        _optional(gradients, data),
        bool(retain),
        bool(create),
        inputs,
        _ints(nodes),
    )


def _read_probe(raw: Any, data: bytes) -> Probe:
    rows, columns, dtype, offset, note = raw
    if not (isinstance(rows, int) and isinstance(columns, int) and rows >= 0 and columns >= 0):
        raise CodecError("a Jacobian has no size")
    content = None
    if offset is not None:
        size = element_size(dtype)
        if size is None:
            raise CodecError(f"values of dtype {dtype!r} cannot be decoded")
        content = _slice(data, offset, size * rows * columns)
    return Probe(rows, columns, str(dtype), content, str(note))


def _read_node_start(raw: Wire, data: bytes) -> Detail:
    backward, upstream, probes = raw
    return NodeStartDetail(int(backward), _optional(upstream, data), tuple(_read_probe(p, data) for p in probes))


def _read_node(raw: Wire, data: bytes) -> Detail:
    return NodeDetail(int(raw[0]), _optional(raw[1], data))


def _read_accumulate(raw: Wire, data: bytes) -> Detail:
    tensor, parameter, before, added, after, backward = raw
    old, new, sum_ = (_read_value(item, data) for item in (before, added, after))
    return AccumulateDetail(int(tensor), str(parameter), old, new, sum_, int(backward))


def _read_backward_end(raw: Wire, data: bytes) -> Detail:
    return BackwardEndDetail(int(raw[0]), _optional(raw[1], data), str(raw[2]))


def _read_zero_grad(raw: Wire, data: bytes) -> Detail:
    rows = [Cleared(int(t), str(p), _read_value(b, data), _read_value(a, data)) for t, p, b, a in raw[1]]
    return ZeroGradDetail(str(raw[0]), tuple(rows), bool(raw[2]))


def _read_step(raw: Wire, data: bytes) -> Detail:
    optimizer, rates, parameters, before, gradients, groups = raw
    old, found = (tuple(_read_value(item, data) for item in part) for part in (before, gradients))
    after = _present(parameters, data)
    if any(part and len(part) != len(after) for part in (old, found, groups)):
        raise CodecError("a step does not say the same of each parameter")
    return StepDetail(str(optimizer), tuple(float(rate) for rate in rates), after, old, found, _ints(groups))


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
    "node": _read_node,
    "accumulate": _read_accumulate,
    "backward_end": _read_backward_end,
    "zero_grad": _read_zero_grad,
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
