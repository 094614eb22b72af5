"""The local Jacobian of one edge of a node, measured, and what its rows and columns run over.

Its wire form is ``[rows, columns, dtype, offset or null, note]``, and more: where measured, ``[axis...], axis, noise``
with ``[shape, complex]`` for an axis; else perhaps ``[engine, formula, length]`` (see ``Probe.direction``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gradb.tape.wire import Wire, WireError, extract, read_shape, size_of


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


def write_probe(
    *, rows: int, columns: int, dtype: str, offset: int | None, note: str,
    outputs: Iterable[tuple[Sequence[int], bool]] = (), input: tuple[Sequence[int], bool] | None = None,
    noise: float = 0.0, direction: Sequence[float] | None = None,
) -> Wire:  # fmt: skip
    """Return the wire form of a Jacobian: see ``Probe``; its entries lie at ``offset``."""
    head: Wire = [rows, columns, dtype, offset, note]
    if direction is not None:
        return [*head, list(direction)]
    if input is None:
        return head
    return [*head, [[list(shape), is_complex] for shape, is_complex in outputs], [list(input[0]), input[1]], noise]


def write_unmeasured(why: str, direction: Sequence[float] | None = None) -> Wire:
    """Return the wire form of a Jacobian that was not measured, with what came of a call with a random vector."""
    return write_probe(rows=0, columns=0, dtype="float32", offset=None, note=why, direction=direction)


def read_probes(raw: Any, data: bytes) -> tuple[Probe, ...]:
    """Read the Jacobians of a node, one an edge."""
    return tuple(_read_probe(probe, data) for probe in raw)


def _read_probe(raw: Any, data: bytes) -> Probe:
    rows, columns, dtype, offset, note, *axes = raw
    if not (isinstance(rows, int) and isinstance(columns, int) and rows >= 0 and columns >= 0):
        raise WireError("a Jacobian has no size")
    content = None if offset is None else extract(data, offset, size_of(dtype) * rows * columns)
    if len(axes) < 3:
        return Probe(rows, columns, str(dtype), content, str(note), direction=_read_direction(axes))
    outputs, wanted = tuple(_read_axis(axis) for axis in axes[0]), _read_axis(axes[1])
    if sum(axis.size for axis in outputs) != rows or wanted.size != columns:
        raise WireError("a Jacobian is not of the size of its tensors")
    noise = float(axes[2])
    if not 0 <= noise < math.inf:
        raise WireError("the rounding of a formula is no number")
    return Probe(rows, columns, str(dtype), content, str(note), outputs, wanted, noise)


def _read_direction(raw: Wire) -> tuple[float, float, float] | None:
    if not raw:
        return None
    engine, formula, length = map(float, raw[0])
    return engine, formula, length


def _read_axis(raw: Any) -> Axis:
    shape, is_complex = raw
    return Axis(read_shape(shape), bool(is_complex))
