"""Statistics of tensors that are too large to be stored whole: what is kept in place of their elements.

Takes dense, detached tensors that are safe to read; returns the text of wire forms.
"""

from __future__ import annotations

import array
import math
from typing import Any

import torch

from gradb.tape.codec import Blob

_CORNER = 8


def summarise(tensor: torch.Tensor, blob: Blob) -> str:
    """Return the text of ``stats``: a pass for min and max, one for the sum, more only if it is not finite.

    ``amin`` and ``amax`` take memory in the order it lies in, where ``aminmax`` is ten times slower on a transpose.
    """
    corner = array.array("d", _corner(tensor))
    tail = f"{blob.add(corner.tobytes())},{len(corner)}"
    if not tensor.is_floating_point():
        numbers = tensor.to(torch.float64)
        low, high = numbers.aminmax()
        return f"[{low.item()},{high.item()},{numbers.mean().item()},0,0,0,{tail}]"
    wide = torch.float64 if tensor.dtype is torch.float64 else torch.float32
    total = tensor.sum(dtype=wide).item()
    if not math.isfinite(total):
        return f"[{_nonfinite(tensor.reshape(-1), blob)},{tail}]"
    low, high = tensor.aminmax() if tensor.is_contiguous() else (tensor.amin(), tensor.amax())
    return f"[{low.item()},{high.item()},{total / tensor.numel()},0,0,0,{tail}]"


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


def _nonfinite(flat: torch.Tensor, blob: Blob) -> str:
    nan = int(torch.isnan(flat).sum())
    posinf, neginf = int(torch.isposinf(flat).sum()), int(torch.isneginf(flat).sum())
    finite = flat[torch.isfinite(flat)].to(torch.float64)
    low, high = finite.aminmax() if finite.numel() else (None, None)
    mean = flat.to(torch.float64).mean().item()
    blob.has_nonfinite |= bool(nan or posinf or neginf)
    bounds = [_number(None if bound is None else bound.item()) for bound in (low, high)]
    return f"{bounds[0]},{bounds[1]},{_number(mean)},{nan},{posinf},{neginf}"


def _number(value: Any) -> str:
    """Write a number as ``json`` does, which also reads it back."""
    if value is None:
        return "null"
    if math.isfinite(value):
        return repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
