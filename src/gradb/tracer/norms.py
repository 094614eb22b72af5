"""2-norms of tensors, taken without changing anything: small ones from their bytes, others by torch."""

from __future__ import annotations

import array
import math
from collections.abc import Iterable

import torch

from gradb.tracer.values import Unreadable, content, modes_off, readable

_SMALL = 64
_CODES = {torch.float32: "f", torch.float64: "d"}
_NARROW = frozenset({torch.float16, torch.bfloat16})


def norm(tensor: torch.Tensor) -> float:
    """Return the 2-norm of all elements; NaN and infinities come through.

    Raises:
        Unreadable: it cannot be taken safely.
    """
    with modes_off(), torch.no_grad():
        if tensor.layout is torch.sparse_coo:
            tensor = tensor.detach().coalesce().values()
        dense = readable(tensor, tensor.numel())
        code = _CODES.get(dense.dtype)
        if code is not None and dense.numel() <= _SMALL:
            return math.hypot(*array.array(code, content(dense)))
        if not (dense.is_floating_point() or dense.is_complex()):
            dense = dense.to(torch.float64)
        found = float(torch.linalg.vector_norm(dense, dtype=torch.float32 if dense.dtype in _NARROW else None))
        if math.isinf(found) and dense.dtype is torch.float32:  # the squares may be too large, and the elements not
            found = float(torch.linalg.vector_norm(dense.to(torch.float64)))
        return found


def total(norms: Iterable[float]) -> float:
    """Return the norm of all the elements together."""
    return math.hypot(*norms)


def norm_of_all(tensors: Iterable[torch.Tensor]) -> float | None:
    """Return the 2-norm of all elements of some tensors, or None where one of them cannot be read."""
    try:
        return total(norm(tensor) for tensor in tensors)
    except (Unreadable, RuntimeError, NotImplementedError, TypeError):
        return None
