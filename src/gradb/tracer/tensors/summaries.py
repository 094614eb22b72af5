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
from gradb.tracer.isolation.genuine import Methods, vector_norm

_CORNER = 8
_item = Methods.item
_ROW = 512
"""Squares that are added in float32: their sum errs by less than 1e-6 of it."""
_MANY_ROWS = 64


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
    """Take the statistics: a pass for min and max, one for the sum and one for the norm, more only if it is not finite.

    ``amin`` and ``amax`` take memory in the order it lies in, where ``aminmax`` is ten times slower on a transpose.
    """
    corner = array.array("d", _corner(tensor)).tobytes()
    if not Methods.is_floating_point(tensor):
        numbers = Methods.to(tensor, torch.float64)
        low, high = map(_bound, Methods.aminmax(numbers))
        norm = two_norm(numbers, max(high, -low))
        return Summary(f"{low},{high},{_item(Methods.mean(numbers))},{norm},0,0,0", corner, 0)
    wide = torch.float64 if tensor.dtype is torch.float64 else torch.float32
    total = _item(Methods.sum(tensor, dtype=wide))
    if not math.isfinite(total):
        return _nonfinite(Methods.reshape(tensor, -1), corner)
    is_dense = Methods.is_contiguous(tensor)
    bounds = Methods.aminmax(tensor) if is_dense else (Methods.amin(tensor), Methods.amax(tensor))
    low, high = map(_bound, bounds)
    size = _number(two_norm(tensor, max(high, -low)))
    return Summary(f"{low},{high},{total / Methods.numel(tensor)},{size},0,0,0", corner, 0)


def two_norm(tensor: torch.Tensor, largest: float) -> float:
    """Return the 2-norm of finite elements, of which the largest magnitude is told; infinite only where no double is.

    Float32 is added in float64 but where that would take a copy of very much; then rows are added in float32 first.
    """
    wide = torch.float32 if tensor.device.type == "mps" else torch.float64  # which has no float64
    found = by_rows(tensor)
    if found is None:
        found = float(_item(vector_norm(tensor, dtype=wide)))
    least = 1e-15 if wide is torch.float32 else 1e-100  # of a smaller norm squares may have been lost on the way
    if largest and not least < found < math.inf:
        return float(_item(vector_norm(Methods.div(Methods.to(tensor, wide), largest)))) * largest
    return found


def by_rows(tensor: torch.Tensor) -> float | None:
    """Return the 2-norm of many float32 that lie side by side; None of others, and where squares may be lost."""
    count = Methods.numel(tensor)
    is_known = tensor.dtype is torch.float32 and tensor.is_cpu and Methods.is_contiguous(tensor)
    if count < _ROW * _MANY_ROWS or not is_known:
        return None
    flat, whole = Methods.view(tensor, -1), count - count % _ROW
    norms = vector_norm(Methods.view(Methods.narrow(flat, 0, 0, whole), -1, _ROW), dim=(1,))
    rest = vector_norm(Methods.narrow(flat, 0, whole, count - whole), dtype=torch.float64)
    found = math.hypot(_item(vector_norm(norms, dtype=torch.float64)), _item(rest))
    return found if 1e-15 < found < math.inf else None


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
    if nan or posinf or neginf:
        norm = math.nan if nan else math.inf
    else:  # the sum alone is not finite
        norm = two_norm(finite, 0.0 if low is None or high is None else max(_bound(high), -_bound(low)))
    numbers = f"{bounds[0]},{bounds[1]},{_number(mean)},{_number(norm)},{nan},{posinf},{neginf}"
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
