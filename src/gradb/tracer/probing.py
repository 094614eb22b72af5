"""Measures the local Jacobian of a node with one-hot vectors, outside of the engine, where that is small and safe.

``node(*grad_outputs)`` runs a built-in node's backward formula once; it fires no hook and frees nothing. Nodes that run
Python (custom functions, compiled regions, checkpoints) or may unpack saved tensors through a user's hooks are not
probed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import torch

from gradb.tape.codec import Blob, Wire, dumps
from gradb.tracer.identity import NodeMark, is_custom
from gradb.tracer.values import content, modes_off, readable

_MAX_ROWS = 64
_MAX_ENTRIES = 4096
_REPEATS = 8
_PARTS = {"complex128": "float64", "complex64": "float32", "complex32": "float16"}
"""The dtype of the real and the imaginary part."""
_CHANGES_ON_CALL = ("RngBackward", "ErrorBackward", "NotImplemented", "UndefinedGrad", "DelayedError", "GraphRoot")


class Prober:
    """Probes nodes, each place in the script a limited number of times unless told otherwise.

    Args:
        mode: ``auto`` (the first visits of each node of the script's text, and whenever the script is being stepped),
            ``always`` or ``never``.
        is_stepping: tells whether a person is stepping the script.
    """

    def __init__(self, mode: str, is_stepping: Any) -> None:
        self._mode = mode
        self._is_stepping = is_stepping
        self._visits: dict[tuple[Any, ...], int] = {}

    def probe(self, node: Any, mark: NodeMark, blob: Blob) -> str:
        """Return the text of the wire forms of the probes, one for each edge."""
        why = self._refusal(node, mark)
        if why is None:
            edges = node.next_functions
            try:
                with torch.no_grad(), modes_off():
                    return dumps(self._measure(node, edges, blob))
            except Exception as error:
                why = (
                    f"probing failed: {type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''}"
                )
        return _refused(why, mark.edges)

    def _refusal(self, node: Any, mark: NodeMark) -> str | None:
        if self._mode == "never":
            return "probing is switched off"
        if is_custom(node):
            return "a custom Function is not probed: its backward is Python code that may have side effects"
        if _changes_on_call(mark.name):
            return "this node cannot be called alone"
        if mark.is_hooked:
            return "saved-tensor hooks were active here: probing would run them again"
        if self._mode == "always" or self._is_stepping():
            return None
        key = (mark.place, mark.scope, mark.name)
        visits = self._visits[key] = self._visits.get(key, 0) + 1
        if visits > _REPEATS:
            return f"not probed in a free run after the first {_REPEATS} visits of this place"
        return None

    def _measure(self, node: Any, edges: Any, blob: Blob) -> list[Wire]:
        metadata = node._input_metadata
        sizes = [_count(meta) * (2 if meta.dtype.is_complex else 1) for meta in metadata]
        rows = sum(sizes)
        if rows > _MAX_ROWS:
            return [_unknown(f"not probed: {rows} output elements are more than {_MAX_ROWS}") for _ in edges]
        collected: list[list[bytes]] = [[] for _ in edges]
        shapes: list[tuple[int, str] | None] = [None] * len(edges)
        width = 0
        for vectors in _one_hots(metadata, sizes):
            width = self._row(node(*vectors), edges, collected, shapes)
            if rows * width > _MAX_ENTRIES:
                return [_unknown(f"not probed: {rows} x {width} entries are more than {_MAX_ENTRIES}") for _ in edges]
        is_complex = all(meta.dtype.is_complex for meta in metadata)
        return [_wire(rows, collected[i], shapes[i], blob, edges[i][0], is_complex) for i in range(len(edges))]

    def _row(self, result: Any, edges: Any, collected: list[list[bytes]], shapes: list[tuple[int, str] | None]) -> int:
        results = result if isinstance(result, tuple) else (result,)
        width = 0
        for index, (tensor, (target, number)) in enumerate(zip(results, edges, strict=False)):
            if tensor is None:
                collected[index].append(b"")
                continue
            dense = _as_delivered(readable(tensor, _MAX_ENTRIES), target, number)
            count = dense.numel() * (2 if dense.is_complex() else 1)
            width = max(width, count)
            shapes[index] = (count, str(dense.dtype)[6:])
            collected[index].append(content(dense) if count <= _MAX_ENTRIES else b"")
        return width


@functools.cache
def _changes_on_call(name: str) -> bool:
    return any(part in name for part in _CHANGES_ON_CALL)


@functools.lru_cache(256)
def _refused(why: str, edges: int) -> str:
    return dumps([_unknown(why)] * edges)


def _as_delivered(gradient: torch.Tensor, target: Any, number: int) -> torch.Tensor:
    """Do to a result what the engine does before it passes it on: sum what was broadcast, cast to the input's dtype."""
    metadata = None if target is None else target._input_metadata
    if not metadata or number >= len(metadata):
        return gradient
    wanted = metadata[number]
    shape = tuple(int(size) for size in wanted.shape)
    if tuple(gradient.shape) != shape:
        gradient = gradient.sum_to_size(shape)
    return gradient.to(wanted.dtype) if gradient.dtype is not wanted.dtype else gradient


def _count(meta: Any) -> int:
    count = 1
    for size in meta.shape:
        count *= int(size)
    return count


def _one_hots(metadata: Any, sizes: list[int]) -> Iterator[list[torch.Tensor]]:
    """Yield, for each element of each output, zeros everywhere and a 1 there; for a complex one then an i."""
    for which, size in enumerate(sizes):
        for index in range(size):
            vectors = [torch.zeros(tuple(meta.shape), dtype=meta.dtype, device=meta.device) for meta in metadata]
            is_complex = vectors[which].is_complex()
            flat = (torch.view_as_real(vectors[which]) if is_complex else vectors[which]).view(-1)
            flat[index] = 1
            yield vectors


def _unknown(why: str) -> Wire:
    return [0, 0, "float32", None, why]


def _wire(
    rows: int, parts: list[bytes], shape: tuple[int, str] | None, blob: Blob, target: Any, is_complex: bool
) -> Wire:
    if target is None:
        return _unknown("no gradient is wanted here")
    if shape is None:
        return _unknown("the node gives this input no gradient")
    columns, dtype = shape
    size = max((len(part) for part in parts), default=0)
    data = b"".join(part or bytes(size) for part in parts)
    wire: Wire = [rows, columns, _PARTS.get(dtype, dtype), blob.add(data), ""]
    return [*wire, is_complex, dtype in _PARTS] if is_complex or dtype in _PARTS else wire
