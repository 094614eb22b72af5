"""Statistics of tensors that are too large to be stored whole: what is kept in place of their elements.

Takes dense, detached tensors that are safe to read.
"""

from __future__ import annotations

import array
import math
from typing import Any, NamedTuple

import torch

from gradb.tape.wire import Blob

_CORNER = 8


class Summary(NamedTuple):
    """What is kept of one large tensor."""

    numbers: str
    """The text of ``stats`` up to where the corner lies."""
    corner: bytes
    has_nonfinite: bool
    first: int | None = None
    """Flat index of the first element that is not finite."""

    def text(self, blob: Blob) -> str:
        """Return the text of ``stats``; the blob gets the corner."""
        blob.has_nonfinite |= self.has_nonfinite
        first = "" if self.first is None else f",{self.first}"
        return f"[{self.numbers},{blob.add(self.corner)},{len(self.corner) // 8}{first}]"


def summarise(tensor: torch.Tensor) -> Summary:
    """Take the statistics: a pass for min and max, one for the sum, more only if it is not finite.

    ``amin`` and ``amax`` take memory in the order it lies in, where ``aminmax`` is ten times slower on a transpose.
    """
    corner = array.array("d", _corner(tensor)).tobytes()
    if not tensor.is_floating_point():
        numbers = tensor.to(torch.float64)
        low, high = numbers.aminmax()
        return Summary(f"{low.item()},{high.item()},{numbers.mean().item()},0,0,0", corner, False)
    wide = torch.float64 if tensor.dtype is torch.float64 else torch.float32
    total = tensor.sum(dtype=wide).item()
    if not math.isfinite(total):
        return _nonfinite(tensor.reshape(-1), corner)
    low, high = tensor.aminmax() if tensor.is_contiguous() else (tensor.amin(), tensor.amax())
    return Summary(f"{low.item()},{high.item()},{total / tensor.numel()},0,0,0", corner, False)


def _corner(tensor: torch.Tensor) -> list[float]:
    """Return the first elements in row-major order, without a copy of all the others."""
    if tensor.is_contiguous():
        return [float(number) for number in tensor.view(-1)[:_CORNER].tolist()]
    inner = 1
    for dim in reversed(range(tensor.dim())):
        wanted = -(-_CORNER // inner)
        if tensor.shape[dim] >= wanted:
            part = tensor[(0,) * dim].narrow(0, 0, wanted)
            return [float(number) for number in part.reshape(-1)[:_CORNER].tolist()]
        inner *= tensor.shape[dim]
    return [float(number) for number in tensor.reshape(-1).tolist()]


def _nonfinite(flat: torch.Tensor, corner: bytes) -> Summary:
    nan = int(torch.isnan(flat).sum())
    posinf, neginf = int(torch.isposinf(flat).sum()), int(torch.isneginf(flat).sum())
    are_finite = torch.isfinite(flat)
    finite = flat[are_finite].to(torch.float64)
    low, high = finite.aminmax() if finite.numel() else (None, None)
    mean = flat.to(torch.float64).mean().item()
    bounds = [_number(None if bound is None else bound.item()) for bound in (low, high)]
    numbers = f"{bounds[0]},{bounds[1]},{_number(mean)},{nan},{posinf},{neginf}"
    is_bad = bool(nan or posinf or neginf)
    return Summary(numbers, corner, is_bad, int(are_finite.to(torch.uint8).argmin()) if is_bad else None)


def _number(value: Any) -> str:
    """Write a number as ``json`` does, which also reads it back."""
    if value is None:
        return "null"
    if math.isfinite(value):
        return repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
