"""Statistics of tensors that are too large to be stored whole: what is kept in place of their elements.

Takes dense, detached tensors that are safe to read.
"""

from __future__ import annotations

import array
import math
from typing import Any, NamedTuple

import torch

from gradb.tape.schema import INFINITY, NAN
from gradb.tape.wire import Blob, write_stats
from gradb.tracer.isolation.genuine import Methods

_CORNER = 8
_item = Methods.item


class Summary(NamedTuple):
    """What is kept of one large tensor."""

    numbers: str
    """The text of ``stats`` up to where the corner lies."""
    corner: bytes
    odd: int
    """What of it is not finite, as in ``Blob.odd``."""
    first: int | None = None
    """Flat index of the first element that is not finite."""

    def text(self, blob: Blob) -> str:
        """Return the text of ``stats``; the blob gets the corner."""
        blob.odd |= self.odd
        return write_stats(self.numbers, blob.add(self.corner), len(self.corner) // 8, self.first)


def summarise(tensor: torch.Tensor) -> Summary:
    """Take the statistics: a pass for min and max, one for the sum, more only if it is not finite.

    ``amin`` and ``amax`` take memory in the order it lies in, where ``aminmax`` is ten times slower on a transpose.
    """
    corner = array.array("d", _corner(tensor)).tobytes()
    if not Methods.is_floating_point(tensor):
        numbers = Methods.to(tensor, torch.float64)
        low, high = map(_bound, Methods.aminmax(numbers))
        return Summary(f"{low},{high},{_item(Methods.mean(numbers))},0,0,0", corner, 0)
    wide = torch.float64 if tensor.dtype is torch.float64 else torch.float32
    total = _item(Methods.sum(tensor, dtype=wide))
    if not math.isfinite(total):
        return _nonfinite(Methods.reshape(tensor, -1), corner)
    is_dense = Methods.is_contiguous(tensor)
    bounds = Methods.aminmax(tensor) if is_dense else (Methods.amin(tensor), Methods.amax(tensor))
    low, high = map(_bound, bounds)
    return Summary(f"{low},{high},{total / Methods.numel(tensor)},0,0,0", corner, 0)


def _corner(tensor: torch.Tensor) -> list[float]:
    """Return the first elements in row-major order, without a copy of all the others."""
    if Methods.is_contiguous(tensor):
        return _begin(Methods.view(tensor, -1))
    inner = 1
    for dim in reversed(range(Methods.dim(tensor))):
        wanted = -(-_CORNER // inner)
        if tensor.shape[dim] >= wanted:
            part = Methods.narrow(Methods.__getitem__(tensor, (0,) * dim), 0, 0, wanted)
            return _begin(Methods.reshape(part, -1))
        inner *= tensor.shape[dim]
    return _begin(Methods.reshape(tensor, -1))


def _begin(flat: torch.Tensor) -> list[float]:
    few = Methods.narrow(flat, 0, 0, min(_CORNER, Methods.numel(flat)))
    return [float(number) for number in Methods.tolist(few)]


def _nonfinite(flat: torch.Tensor, corner: bytes) -> Summary:
    nan, posinf, neginf = (_count(test(flat)) for test in (Methods.isnan, Methods.isposinf, Methods.isneginf))
    are_finite = Methods.isfinite(flat)
    finite = Methods.to(Methods.masked_select(flat, are_finite), torch.float64)
    low, high = Methods.aminmax(finite) if Methods.numel(finite) else (None, None)
    mean = _item(Methods.mean(Methods.to(flat, torch.float64)))
    bounds = [_number(None if bound is None else _bound(bound)) for bound in (low, high)]
    numbers = f"{bounds[0]},{bounds[1]},{_number(mean)},{nan},{posinf},{neginf}"
    odd = NAN * bool(nan) | INFINITY * bool(posinf or neginf)
    return Summary(numbers, corner, odd, _first_not(are_finite) if odd else None)


def _bound(bound: torch.Tensor) -> float:
    """Return a bound; a zero has no sign, for which one is found among zeros hangs on where they lie."""
    return float(_item(bound)) + 0.0


def _count(marks: torch.Tensor) -> int:
    return int(_item(Methods.sum(marks)))


def _first_not(marks: torch.Tensor) -> int:
    return int(_item(Methods.argmin(Methods.to(marks, torch.uint8))))


def _number(value: Any) -> str:
    """Write a number as ``json`` does, which also reads it back."""
    if value is None:
        return "null"
    if math.isfinite(value):
        return repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
