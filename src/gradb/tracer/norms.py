"""2-norms of tensors, taken without changing anything: small ones from their bytes, others by torch."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterable

import torch

from gradb.tracer.values import Unreadable, modes_off, readable

_SMALL = 64
_ORDINARY = frozenset({torch.Tensor, torch.nn.Parameter})
_STRIDED = torch.strided
_CODES = {torch.float32: "f", torch.float64: "d"}
_NARROW = frozenset({torch.float16, torch.bfloat16})


_readers: dict[tuple[str, int], Callable[[int], Iterable[float]]] = {}


def _reader(code: str, count: int) -> Callable[[int], Iterable[float]]:
    """Return what takes an address and gives the floats that lie there."""
    found = _readers.get((code, count))
    if found is None:
        kind = ctypes.c_float if code == "f" else ctypes.c_double
        found = _readers[code, count] = (kind * count).from_address
    return found


def norm(tensor: torch.Tensor) -> float:
    """Return the 2-norm of all elements; NaN and infinities come through.

    Raises:
        Unreadable: it cannot be taken safely.
    """
    if type(tensor) in _ORDINARY and tensor.is_cpu and tensor.layout is _STRIDED and tensor.numel() <= _SMALL:
        code = _CODES.get(tensor.dtype)
        if code is not None and tensor.is_contiguous() and not tensor.is_neg() and (address := tensor.data_ptr()):
            return math.hypot(*_reader(code, tensor.numel())(address))
    with modes_off(), torch.no_grad():
        if tensor.layout is torch.sparse_coo:
            tensor = tensor.detach().coalesce().values()
        dense = readable(tensor, tensor.numel())
        if not (dense.is_floating_point() or dense.is_complex()):
            dense = dense.to(torch.float64)
        found = float(torch.linalg.vector_norm(dense, dtype=torch.float32 if dense.dtype in _NARROW else None))
        if math.isinf(found) and dense.dtype is torch.float32:  # the squares may be too large, and the elements not
            found = float(torch.linalg.vector_norm(dense.to(torch.float64)))
        return found


def norm_of_all(tensors: Iterable[torch.Tensor]) -> float | None:
    """Return the 2-norm of all elements of some tensors, or None where one of them cannot be read."""
    try:
        return math.hypot(*map(norm, tensors))
    except (Unreadable, RuntimeError, NotImplementedError, TypeError):
        return None
