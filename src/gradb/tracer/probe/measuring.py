"""Measures the local Jacobian of a node row by row, outside of the engine, as far as a budget of rows and entries goes.

``node(*grad_outputs)`` runs a built-in node's backward formula once; it fires no hook and frees nothing. A row is what
a one-hot vector upstream gives. A complex element has two rows, for 1 and for i, since a backward need only be linear
over the real numbers.

What one row costs, the call and the copy (medians of 200; 2 cores of an AMD EPYC, torch 2.13.0, one thread): 13 us for
softmax of 8x8, 16 us for mul of 64 elements, 14 us for layer_norm of 16x64, 22 us for mm of 32x32, 116 us for mm of
128x128, 89 us for a convolution of 8 channels and 32x32 pixels, 0.8 ms for linear of 64x784 to 256. What is measured
depends on sizes alone, so that two recordings of a script hold the same on every machine; the clock only ends what
takes far longer than any of these, and the note says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gradb.tape.kinds.jacobian import write_probe, write_unmeasured
from gradb.tape.values import PARTS
from gradb.tape.wire import Blob, Wire
from gradb.tracer.isolation.genuine import Functions, Methods
from gradb.tracer.probe.rounding import Gradients, noise
from gradb.tracer.tensors.values import content, readable

Call = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Budget:
    """How far measuring goes."""

    seconds: float
    """The last guard: measuring a node is given up after so long."""
    rows: int
    entries: int
    """Of one edge: each is shown, checked and kept on the tape."""
    who: str
    """When this much is spent, for a sentence: ``while stepping``."""


# To read, recognise, check and draw 65,536 entries took 45 to 70 ms at the first paint of a node: half of that many
# paint within the 50 ms that a key press may take.
FREE = Budget(1.0, 128, 4_096, "in a free run")
STEPPING = Budget(2.0, 4_096, 32_768, "while stepping")
ASKED = Budget(10.0, 65_536, 262_144, "at all")


class Refusal(Exception):
    """Why a node is not measured, as a clause."""


class Unmeasurable(Refusal):
    """Why a node cannot be measured at all, however much is asked."""


@dataclass(slots=True)
class ProbedEdge:
    """Where one gradient goes, and what was measured of it."""

    target: Any
    number: int
    shape: tuple[int, ...] | None = None
    dtype: torch.dtype | None = None
    """Shape and dtype that the engine delivers, where the target says them."""

    def deliver(self, gradient: torch.Tensor, limit: int) -> torch.Tensor:
        """Do to a result what the engine does before it passes it on: sum what was broadcast, cast it."""
        dense = readable(gradient, limit)
        if self.shape is not None and tuple(dense.shape) != self.shape:
            dense = Methods.sum_to_size(dense, self.shape)
        if self.dtype is not None and dense.dtype is not self.dtype:
            is_cut = Methods.is_complex(dense) and not self.dtype.is_complex
            dense = Methods.to(Functions.real(dense) if is_cut else dense, self.dtype)
        return dense


def edges_of(node: Any) -> list[ProbedEdge]:
    """Return where the gradients of a node go."""
    return [_edge(target, number) for target, number in node.next_functions]


def _edge(target: Any, number: int) -> ProbedEdge:
    metadata = None if target is None else target._input_metadata
    if not metadata or number >= len(metadata):
        return ProbedEdge(target, number)
    wanted = metadata[number]
    return ProbedEdge(target, number, _sizes(wanted), wanted.dtype)


def _sizes(metadata: Any) -> tuple[int, ...]:
    """Return the shape of an output of a node.

    Raises:
        Unmeasurable: it has none of plain sizes, as a nested tensor.
    """
    try:
        return tuple(int(size) for size in metadata.shape)
    except (RuntimeError, AttributeError, TypeError):
        raise Unmeasurable("a nested tensor has no plain sizes for a Jacobian to run over") from None


class NodeOutputs:
    """The outputs of a node, and vectors upstream of them.

    Args:
        node: the node.
        left_out: outputs that get no rows.
    """

    def __init__(self, node: Any, left_out: Collection[int] = ()) -> None:
        self._metadata = node._input_metadata
        self.axes = [
            ((0,) if index in left_out else _sizes(meta), bool(meta.dtype.is_complex))
            for index, meta in enumerate(self._metadata)
        ]
        self.sizes = [real_size(*axis) for axis in self.axes]
        self.rows = sum(self.sizes)
        names = ", ".join(str(index) for index in sorted(left_out))
        self.note = f"without output {names}, which nothing of the loss depends on" if left_out else ""

    def zeros(self, start: int = 0) -> list[torch.Tensor]:
        """Return zeros upstream of each output, from one on."""
        metadata = self._metadata[start:]
        return [Functions.zeros(tuple(meta.shape), dtype=meta.dtype, device=meta.device) for meta in metadata]

    def filled(
        self, output: int, make: Callable[[torch.Size, torch.dtype, torch.device], torch.Tensor]
    ) -> torch.Tensor:
        """Return what is made for the shape, dtype and device of one output."""
        meta = self._metadata[output]
        return make(torch.Size(meta.shape), meta.dtype, meta.device)

    def one_hot(self, row: int) -> list[torch.Tensor]:
        """Return zeros, and a 1 at one of the rows; for every other row of a complex output an i."""
        vectors = self.zeros()
        for vector, size in zip(vectors, self.sizes, strict=True):
            if row < size:
                _set(as_real(vector), row)
                break
            row -= size
        return vectors

    def at(self, output: int, element: int) -> list[torch.Tensor]:
        """Return zeros, and a 1 at one element of one output.

        Raises:
            Refusal: there is no such element.
        """
        vectors = self.zeros()
        if not 0 <= output < len(vectors) or not 0 <= element < Methods.numel(vectors[output]):
            raise Refusal(f"there is no element {element} of output {output}")
        _set(vectors[output], element)
        return vectors


def _set(vector: torch.Tensor, element: int) -> None:
    """Make an element of zeros a 1."""
    Methods.fill_(Methods.select(Methods.view(vector, -1), 0, element), 1)


def as_real(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor with real and imaginary parts side by side; one that is real as it is."""
    return Functions.view_as_real(tensor) if Methods.is_complex(tensor) else tensor


def real_size(shape: Sequence[int], is_complex: bool) -> int:
    """Return how many real numbers a tensor has."""
    count = 2 if is_complex else 1
    for size in shape:
        count *= size
    return count


def results_of(result: Any) -> tuple[Any, ...]:
    """Return what a call of a node returned as a tuple, one item an edge."""
    return result if isinstance(result, tuple) else (result,)


def measure(node: Any, call: Call, budget: Budget, blob: Blob, upstream: Gradients = ()) -> list[Wire]:
    """Measure all rows; return the wire forms of the probes, one for each edge.

    Outputs whose upstream gradient is undefined are left out where the whole cannot be measured: some formulas (of
    eigenvectors, say) refuse one-hot vectors.

    Raises:
        Refusal: the budget does not reach.
        Exception: whatever the node raises.
    """
    edges = edges_of(node)
    try:
        return _measure(NodeOutputs(node), edges, call, budget, blob, upstream)
    except Exception:
        undefined = {index for index, gradient in enumerate(upstream) if gradient is None}
        if not undefined or len(undefined) == len(upstream):
            raise
        return _measure(NodeOutputs(node, undefined), edges, call, budget, blob, upstream)


def _measure(
    outputs: NodeOutputs, edges: Sequence[ProbedEdge], call: Call, budget: Budget, blob: Blob, upstream: Gradients
) -> list[Wire]:
    _refuse_size(outputs.rows, _entries(outputs, edges), budget)
    collected: list[list[bytes]] = [[] for _ in edges]
    found: list[tuple[tuple[int, ...], torch.dtype] | None] = [
        (edge.shape, edge.dtype) if not outputs.rows and edge.shape is not None and edge.dtype is not None else None
        for edge in edges
    ]  # a matrix without rows is as wide as the edge says
    end = time.perf_counter() + budget.seconds
    for row in range(outputs.rows):
        _refuse_time(row, outputs.rows, end, budget)
        results = results_of(call(*outputs.one_hot(row)))
        for index, (gradient, edge) in enumerate(zip(results, edges, strict=False)):
            data = b""
            if gradient is not None and edge.target is not None:
                dense = edge.deliver(gradient, budget.entries)
                found[index] = tuple(dense.shape), dense.dtype
                _refuse_size(outputs.rows, outputs.rows * Methods.numel(as_real(dense)), budget)
                data = content(dense)
            collected[index].append(data)
    rounded = noise(lambda vectors: _delivered(call, edges, vectors, budget), upstream) if upstream else []
    rounded = rounded or [0.0] * len(edges)
    rows = zip(collected, found, edges, rounded, strict=True)
    return [_wire(outputs, part, one, edge, blob, off) for part, one, edge, off in rows]


def _delivered(call: Call, edges: Sequence[ProbedEdge], vectors: Gradients, budget: Budget) -> Gradients:
    """Return what the engine would deliver along each edge."""
    results = zip(results_of(call(*vectors)), edges, strict=False)
    found = [
        None if gradient is None or edge.target is None else edge.deliver(gradient, budget.entries)
        for gradient, edge in results
    ]
    return [*found, *[None] * (len(edges) - len(found))]


def column(
    outputs: NodeOutputs, edges: Sequence[ProbedEdge], call: Call, which: int, element: int, budget: Budget
) -> list[torch.Tensor]:
    """Return one column of the Jacobian of an edge, in the shape of each output: found from all rows.

    Raises:
        Refusal: the budget does not reach, there is no such column, or complex numbers make it more than one.
    """
    edge = edges[which] if 0 <= which < len(edges) else None
    if edge is None or edge.target is None:
        raise Refusal("no gradient is wanted there")
    if any(is_complex for _, is_complex in outputs.axes) or (edge.dtype is not None and edge.dtype.is_complex):
        raise Refusal("a column between complex numbers is more than one vector: ask for rows, or for all")
    _refuse_size(outputs.rows, 0, budget)
    found, end = list[float](), time.perf_counter() + budget.seconds
    for row in range(outputs.rows):
        _refuse_time(row, outputs.rows, end, budget)
        gradient = results_of(call(*outputs.one_hot(row)))[which]
        if gradient is None:
            found.append(0.0)
        else:
            dense = Methods.reshape(edge.deliver(gradient, budget.entries), -1)
            if not 0 <= element < Methods.numel(dense):
                raise Refusal(f"there is no element {element} of that input")
            found.append(float(Methods.item(Methods.select(dense, 0, element))))
    parts = Methods.split_with_sizes(Functions.tensor(found, dtype=torch.float64), outputs.sizes)
    kinds = [zeros.dtype for zeros in outputs.zeros()]
    return [
        Methods.to(Methods.reshape(part, shape), kind)
        for part, (shape, _), kind in zip(parts, outputs.axes, kinds, strict=True)
    ]


def _entries(outputs: NodeOutputs, edges: Sequence[ProbedEdge]) -> int:
    """Return how many entries the largest matrix of a node will have, as far as the edges say it."""
    known = [edge for edge in edges if edge.shape is not None and edge.dtype is not None]
    widths = [real_size(edge.shape or (), bool(edge.dtype and edge.dtype.is_complex)) for edge in known]
    return outputs.rows * max(widths, default=0)


def _refuse_size(rows: int, entries: int, budget: Budget) -> None:
    if rows > budget.rows:
        raise Refusal(f"{rows:,} output elements are more than the {budget.rows:,} that are measured {budget.who}")
    if entries > budget.entries:
        columns = -(-entries // max(rows, 1))
        size = f"{rows:,} x {columns:,} entries"
        raise Refusal(f"{size} are more than the {budget.entries:,} that are measured {budget.who}")


def _refuse_time(row: int, rows: int, end: float, budget: Budget) -> None:
    if time.perf_counter() > end:
        raise Refusal(f"given up by the clock, after {row:,} of {rows:,} rows and {budget.seconds:g} s")


def _wire(
    outputs: NodeOutputs,
    parts: list[bytes],
    found: tuple[tuple[int, ...], torch.dtype] | None,
    edge: ProbedEdge,
    blob: Blob,
    rounded: float,
) -> Wire:
    if edge.target is None:
        return write_unmeasured("no gradient is wanted here")
    if found is None:
        return write_unmeasured("the node gives this input no gradient")
    shape, dtype = found
    name, columns = str(dtype)[6:], real_size(shape, dtype.is_complex)
    size = max((len(part) for part in parts), default=0)
    data = b"".join(part or bytes(size) for part in parts)
    return write_probe(
        rows=outputs.rows, columns=columns, dtype=PARTS.get(name, name), offset=blob.add(data), note=outputs.note,
        outputs=outputs.axes, input=(shape, dtype.is_complex), noise=rounded,
    )  # fmt: skip
