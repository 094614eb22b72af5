"""2-norms of tensors, taken without changing anything: by the accelerator, small ones from bytes, else by torch."""

from __future__ import annotations

import ctypes
import functools
import math
import sys
from collections.abc import Callable, Iterable
from typing import Any

import torch

from gradb.tape.expressions.functions import norm
from gradb.tracer.isolation.genuine import Methods, no_grad, vector_norm
from gradb.tracer.native import reading
from gradb.tracer.tensors.summaries import by_rows
from gradb.tracer.tensors.values import Unreadable, modes_off, readable

_SMALL = 64
_TINY = 1e-15
"""A norm below it may have lost squares on the way."""
_ORDINARY = frozenset({torch.Tensor, torch.nn.Parameter})
_KINDS: dict[torch.dtype, Any] = {torch.float32: ctypes.c_float, torch.float64: ctypes.c_double}


@functools.cache
def _reader(kind: Any, count: int) -> Callable[[int], Iterable[float]]:
    """Return what takes an address and gives the floats that lie there."""
    read: Callable[[int], Iterable[float]] = (kind * count).from_address
    return read


def norm_of_all(tensors: Iterable[torch.Tensor]) -> float | None:
    """Return the 2-norm of all elements of some tensors, or None where one of them cannot be read.

    It is NaN where one element is, else infinite where one is. Small tensors are read by address, in one loop without a
    call for each.
    """
    floats: list[float] = []
    try:
        if (together := reading.floats(tensors, _SMALL)) is not None:
            return norm(together)
        for tensor in tensors:
            if reading.extend(floats, tensor, _SMALL):
                continue
            if (known := reading.norm(tensor)) is not None:
                floats.append(known)
                continue
            kind = _KINDS.get(tensor.dtype) if type(tensor) in _ORDINARY else None
            if kind is not None and (count := Methods.numel(tensor)) <= _SMALL and tensor.is_cpu:
                address = _address(tensor)
                if address:
                    floats += _reader(kind, count)(address)
                    continue
            floats.append(_carefully(tensor))
        return norm(floats)
    except (Unreadable, RuntimeError, NotImplementedError, TypeError):
        return None


def has_infinity(tensor: torch.Tensor) -> bool | None:
    """Tell whether an element is infinite, whatever the others are; None where they cannot be read."""
    try:
        with modes_off(), no_grad():
            if tensor.layout is torch.sparse_coo:
                tensor = Methods.values(Methods.coalesce(Methods.detach(tensor)))
            return bool(Methods.item(Methods.any(Methods.isinf(readable(tensor, sys.maxsize)))))
    except (Unreadable, RuntimeError, NotImplementedError, TypeError):
        return None


def _address(tensor: torch.Tensor) -> int:
    """Return where all elements lie side by side, or 0: sparse, or wrapped by a transform, or not contiguous."""
    try:
        return Methods.data_ptr(tensor) if Methods.is_contiguous(tensor) else 0
    except RuntimeError:
        return 0


def _carefully(tensor: torch.Tensor) -> float:
    """Return the 2-norm of all elements.

    Raises:
        Unreadable: it cannot be taken safely.
    """
    with modes_off(), no_grad():
        if tensor.layout is torch.sparse_coo:
            tensor = Methods.values(Methods.coalesce(Methods.detach(tensor)))
        dense = readable(tensor, sys.maxsize)
        if not Methods.numel(dense):
            return 0.0
        if (known := by_rows(dense)) is not None:
            return known
        wide = _wide(dense)
        found = _norm(dense, wide)
        if math.isinf(found) or found < _TINY:  # the squares may be too large or too small for it, and the elements not
            largest = float(Methods.item(Methods.amax(Methods.abs(Methods.to(dense, wide)))))
            if 0 < largest < math.inf:
                found = _norm(Methods.div(Methods.to(dense, wide), largest), wide) * largest
        return found


def _wide(dense: torch.Tensor) -> torch.dtype:
    """Return the dtype in which squares are added."""
    if dense.device.type == "mps":  # which has no float64
        return torch.complex64 if Methods.is_complex(dense) else torch.float32
    return torch.complex128 if Methods.is_complex(dense) else torch.float64


def _norm(dense: torch.Tensor, dtype: torch.dtype) -> float:
    if not (Methods.is_floating_point(dense) or Methods.is_complex(dense)):
        dense = Methods.to(dense, dtype)
    return float(Methods.item(vector_norm(dense, dtype=dtype)))
