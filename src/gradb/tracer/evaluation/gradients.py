"""Puts every ``.grad`` back: the same object, with the same bytes, in the same version.

What is put aside is a copy of each; the originals stay where they are, so that what is evaluated sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from gradb.tracer.evaluation.contents import is_same
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.probe.probing import clause
from gradb.tracer.tensors.history import grad_of, keeps_grad, version

_set_grad = vars(Methods)["grad"].__set__
_set_version = torch._C._autograd._unsafe_set_version_counter


class _Row(NamedTuple):
    tensor: torch.Tensor
    grad: torch.Tensor | None
    version: int
    content: torch.Tensor | None


class Gradients:
    """What every tensor has in its ``.grad``; to be made and put back with gradients and torch functions off."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        self._rows = [_row(tensor) for tensor in tensors if keeps_grad(tensor)]

    def put_back(self, tell: Callable[[str], object]) -> None:
        """Put all back as it was; what cannot be is told."""
        failed = [why for row in self._rows if (why := _put_back(row)) is not None]
        if failed:
            tell(f".grad of {len(failed)} tensors could not be put back: {failed[0]}")


def _row(tensor: torch.Tensor) -> _Row:
    grad = grad_of(tensor)
    if grad is None:
        return _Row(tensor, None, -1, None)
    return _Row(tensor, grad, version(grad), Methods.clone(Methods.detach(grad)))


def _put_back(row: _Row) -> str | None:
    """Put one back; return why that failed, or None."""
    try:
        if grad_of(row.tensor) is not row.grad:
            _set_grad(row.tensor, row.grad)
        if row.grad is not None and row.content is not None:
            if not _is_unchanged(row):
                Methods.copy_(Methods.detach(row.grad), row.content)
            if version(row.grad) != row.version:
                _set_version((row.grad,), (row.version,))
    except Exception as error:
        return clause(error)
    return None


def _is_unchanged(row: _Row) -> bool:
    """Tell whether a gradient has the bytes that it had; of one that is not dense, whether anybody has changed it."""
    grad, content = row.grad, row.content
    if grad is None or content is None:
        return True
    is_dense = grad.layout is torch.strided and not grad.is_nested
    return is_same(grad, content) if is_dense else version(grad) == row.version
