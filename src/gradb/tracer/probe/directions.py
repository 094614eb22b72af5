"""Holds a node that is too large to be measured against its formula, in one random direction.

The node is called once with a fixed random vector v upstream; what it gives is projected on a fixed random vector s.
The same number is v times what the formula makes of s on the way forward (an adjoint turns over: (v J) s = v (J s)),
and that way is computed by torch's forward operations, not by its backward. The formulas here are those of the table,
for the nodes that are large in real models; all others have none. No generator of the script's is touched.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import torch

from gradb.tape.kinds.jacobian import write_unmeasured
from gradb.tape.wire import Wire
from gradb.tracer.isolation.genuine import Functions, Methods, inference_mode
from gradb.tracer.probe.measuring import Call, NodeOutputs, ProbedEdge, edges_of, results_of
from gradb.tracer.probe.thin import TINY, Thin, length_of, projected, wide_dtypes
from gradb.tracer.tensors.history import version

_LINE = 16
"""Elements: vectors that begin between such places are multiplied six times slower by torch's library."""
_APART = 257 * _LINE
"""How far the signs of the vector that goes forward begin after those of the vector upstream."""
_LEAST = 1 << 16
_FRESH = 0
_MOST_PARTS = 256
MAX_ELEMENTS = 4_194_304
"""Of each tensor at the node: a larger one is not called once more."""
_LIMIT = 1 << 63  # a negative dimension is kept as its two's complement
_times, _minus, _matmul, _expand = Methods.mul, Methods.sub, Methods.matmul, Methods.expand
Forward = Callable[[Any, Any, torch.Size], torch.Tensor | Thin]
"""Takes a node, a change s of one input and the shape of the output; returns the change of the output.

s is a ``Thin`` where the input is a matrix of a node of ``_OF_MATRICES``, else a tensor.
"""


def _dim(saved: int) -> int:
    return saved if saved < _LIMIT else saved - 2 * _LIMIT


def _softmax(node: Any, s: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    y, dim = node._saved_result, _dim(node._saved_dim)
    return _times(y, _minus(s, Methods.sum(_times(y, s), dim, keepdim=True)))


def _log_softmax(node: Any, s: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    y, dim = node._saved_result, _dim(node._saved_dim)
    return _minus(s, Methods.sum(_times(Methods.exp(y), s), dim, keepdim=True))


def _standard(node: Any) -> torch.Tensor:
    return _times(_minus(node._saved_input, node._saved_result1), node._saved_result2)


def _layer_norm(node: Any, s: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    dims, hat = tuple(range(-len(node._saved_normalized_shape), 0)), _standard(node)
    shift, stretch = Methods.mean(s, dims, keepdim=True), Methods.mean(_times(hat, s), dims, keepdim=True)
    weight = node._saved_weight
    made = _times(_minus(_minus(s, shift), _times(hat, stretch)), node._saved_result2)
    return made if weight is None else _times(made, weight)


def _convolved(node: Any, input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    sizes = node._saved_stride, node._saved_padding, node._saved_dilation
    return Functions.convolution(
        input, weight, None, *sizes, node._saved_transposed, node._saved_output_padding, node._saved_groups
    )


def _embedding(node: Any, s: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    if node._saved_scale_grad_by_freq:
        raise LookupError("gradients are divided by counts")
    indices, padding = node._saved_indices, _dim(node._saved_padding_idx)
    made = Functions.embedding(s, indices)
    return made if padding < 0 else _times(made, Methods.unsqueeze(Methods.ne(indices, padding), -1))


def _biased(node: Any, s: torch.Tensor, shape: torch.Size) -> torch.Tensor | Thin:
    """Return what a change of a bias makes of the output: the same in each row."""
    scaled = _times(s, node._saved_beta)
    if len(scaled.shape) > 1:
        return scaled
    return Thin(Functions.ones(shape[:1], dtype=s.dtype, device=s.device), _expand(scaled, shape[1:]))


def _channels(s: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return _expand(Methods.reshape(s, (1, -1, *[1] * (len(shape) - 2))), shape)


FORWARD: dict[str, tuple[Forward, ...]] = {
    "MmBackward0": (lambda n, s, _: s.times(n._saved_mat2), lambda n, s, _: s.behind(n._saved_self)),
    "AddmmBackward0": (
        _biased,
        lambda n, s, _: s.times(n._saved_mat2).scaled(n._saved_alpha),
        lambda n, s, _: s.behind(n._saved_mat1).scaled(n._saved_alpha),
    ),
    "BmmBackward0": (lambda n, s, _: _matmul(s, n._saved_mat2), lambda n, s, _: _matmul(n._saved_self, s)),
    "ConvolutionBackward0": (
        lambda n, s, _: _convolved(n, s, n._saved_weight),
        lambda n, s, _: _convolved(n, n._saved_input, s),
        lambda n, s, shape: _channels(s, shape),
    ),
    "SoftmaxBackward0": (_softmax,),
    "LogSoftmaxBackward0": (_log_softmax,),
    "NativeLayerNormBackward0": (
        _layer_norm,
        lambda n, s, _: _times(_standard(n), s),
        lambda n, s, shape: _expand(s, shape),
    ),
    "EmbeddingBackward0": (_embedding,),
    "TBackward0": (lambda n, s, _: s.turned() if isinstance(s, Thin) else Methods.t(s),),
    "TransposeBackward0": (lambda n, s, _: Methods.transpose(s, _dim(n._saved_dim0), _dim(n._saved_dim1)),),
    "PermuteBackward0": (lambda n, s, _: Methods.permute(s, [_dim(dim) for dim in n._saved_dims]),),
    **dict.fromkeys(
        ("ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0", "CloneBackward0"),
        (lambda n, s, shape: Methods.reshape(s, shape),),
    ),
    "ExpandBackward0": (lambda n, s, shape: _expand(s, shape),),
    "SumBackward0": (lambda n, s, _: Methods.sum(s),),
    "MeanBackward0": (lambda n, s, _: Methods.mean(s),),
    "AddBackward0": (
        lambda n, s, shape: _expand(s, shape),
        lambda n, s, shape: _times(_expand(s, shape), n._saved_alpha),
    ),
    "SubBackward0": (
        lambda n, s, shape: _expand(s, shape),
        lambda n, s, shape: _times(_expand(s, shape), -n._saved_alpha),
    ),
    "MulBackward0": (lambda n, s, _: _times(s, n._saved_other), lambda n, s, _: _times(s, n._saved_self)),
}

_OF_MATRICES = {"MmBackward0": (0, 1), "AddmmBackward0": (1, 2), "TBackward0": (0,)}
"""Nodes that make of a matrix of rank one such a matrix, and of which inputs."""


def compare(node: Any, name: str, call: Call, why: str) -> list[Wire]:
    """Call a node once with a random vector; return the wire forms of its probes, with what came of the comparison.

    ``why``: what is said of the local derivative that was not measured. An edge without a formula has nothing more.
    """
    edges, outputs, formulas = edges_of(node), NodeOutputs(node), FORWARD.get(name)
    plain = [write_unmeasured(why) for _ in edges]
    if formulas is None or not _is_fit(outputs, edges):
        return plain
    vectors = _vectors(outputs)
    results = results_of(call(*vectors))
    for index, (edge, gradient) in enumerate(zip(edges, results, strict=False)):
        if edge.target is not None and gradient is not None and index < len(formulas):
            try:
                is_thin = index in _OF_MATRICES.get(name, ()) and len(edge.shape or ()) == 2
                found = _compared(node, edge, gradient, vectors[0].shape, formulas[index], is_thin=is_thin)
            except (LookupError, AttributeError, RuntimeError):  # what the formula needs was not saved, or was changed
                continue
            plain[index] = write_unmeasured(why, found)
    return plain


def _is_fit(outputs: NodeOutputs, edges: Sequence[ProbedEdge]) -> bool:
    sizes = [outputs.rows, *(torch.Size(edge.shape or ()).numel() for edge in edges)]
    has_complex = any(is_complex for _, is_complex in outputs.axes)
    return (
        max(sizes) <= MAX_ELEMENTS and not has_complex and all(edge.shape is not None for edge in edges if edge.target)
    )


def _vectors(outputs: NodeOutputs) -> list[torch.Tensor]:
    """Return a random vector upstream of the first output, and zeros upstream of the others."""
    return [outputs.filled(0, _signs), *outputs.zeros(1)]


def _compared(
    node: Any, edge: ProbedEdge, gradient: torch.Tensor, shape: torch.Size, forward: Forward, *, is_thin: bool
) -> list[float]:
    """Return both projections, and the length of the vector of their terms: what an error is relative to."""
    sent = edge.deliver(gradient, MAX_ELEMENTS)
    if is_thin:
        rows, columns = (torch.Size([size]) for size in sent.shape)
        kind = sent.dtype, sent.device
        beside = _APART + -(-rows.numel() // _LINE) * _LINE
        s: Any = Thin(_signs(rows, *kind, _APART), _signs(columns, *kind, beside))
        engine, one = projected(sent, s, sent)
    else:
        s = _signs(sent.shape, sent.dtype, sent.device, _APART)
        engine, one = _project(sent, _APART)
    made = forward(node, s, shape)
    if isinstance(made, Thin):
        formula, other = projected(_signs(shape, made.row.dtype, made.row.device), made, made)
    else:
        formula, other = _project(_expand(made, shape), 0)
    return [engine, formula, max(one, other)]


def _project(tensor: torch.Tensor, start: int) -> tuple[float, float]:
    """Return the sum of a tensor times the random signs, and the length of the vector of these terms."""
    flat = Methods.reshape(tensor, -1)
    for dtype in wide_dtypes(flat.dtype):
        wide = Methods.to(flat, dtype)
        signs = _signs(wide.shape, dtype, wide.device, start)
        total, length = float(Methods.item(Methods.dot(wide, signs))), length_of(wide)
        if math.isfinite(total) and TINY < length < math.inf:
            break  # else sums or squares were too large or too small for a float32
    return total, length


def _signs(shape: torch.Size, dtype: torch.dtype, device: torch.device, start: int = 0) -> torch.Tensor:
    """Return 1 and -1 at random: exact in every dtype. It is memory that others share, not to be written to."""
    part = shape, dtype, device, start
    known = _parts.get(part)
    if known is None or version(known) != _FRESH:
        if len(_parts) >= _MOST_PARTS:
            _parts.clear()
        known = _parts[part] = _part(*part)
    return known


def _part(shape: torch.Size, dtype: torch.dtype, device: torch.device, start: int) -> torch.Tensor:
    key, end = (dtype, device), start + shape.numel()
    known = _drawn.get(key)
    if known is None or Methods.numel(known) < end or version(known) != _FRESH:
        _parts.clear()  # which would keep the memory of those before
        known = _drawn[key] = _draw(end, *key)
    return Methods.view(Methods.narrow(known, 0, start, end - start), shape)


def _draw(count: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Draw at least so many signs: the first of them are the same however many there are.

    The generator is our own, and Python's: it gives the same on every machine and with every version of torch.
    """
    size = max(_LEAST, 1 << (count - 1).bit_length())
    with inference_mode(False):
        drawn = Functions.frombuffer(bytearray(random.Random(1).randbytes(size // 8)), dtype=torch.uint8)
        places = Functions.arange(8, dtype=torch.uint8)
        bits = Methods.bitwise_and(Methods.bitwise_right_shift(Methods.unsqueeze(drawn, 1), places), 1)
        signs = _minus(_times(Methods.to(Methods.reshape(bits, -1), torch.int8), 2), 1)
        return Methods.to(signs, device, dtype)


_drawn: dict[tuple[torch.dtype, torch.device], torch.Tensor] = {}
"""The signs that were drawn, by dtype and device; drawn anew where a node has written to them."""
_parts: dict[tuple[torch.Size, torch.dtype, torch.device, int], torch.Tensor] = {}
"""Views of some of them: making one takes as long as multiplying ten thousand of them."""
