"""Tells which tensors an expression has changed in place: their versions are held against what they were.

The statistics of a batch norm are written without a new version, so what modules keep in their buffers is held against
a copy as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from gradb.tracer.evaluation.contents import is_same
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.source.variables import Search
from gradb.tracer.tensors.history import version
from gradb.tracer.tensors.ids import TensorIds

_MOST_NAMED = 20
_MOST_COPIED = 1 << 22
"""Elements of a buffer."""


class Before:
    """What tensors were at one moment; to be made and asked with gradients and torch functions off.

    What is changed past autograd (``.data``, NumPy) has the same version, and is seen in buffers only.
    """

    def __init__(self, tensors: Sequence[torch.Tensor], buffers: Sequence[torch.Tensor]) -> None:
        self._versions = [(tensor, version(tensor)) for tensor in tensors]
        self._contents = [
            (buffer, Methods.clone(Methods.detach(buffer)))
            for buffer in buffers
            if buffer.layout is torch.strided and not buffer.is_meta and Methods.numel(buffer) <= _MOST_COPIED
        ]

    def changed(self) -> list[torch.Tensor]:
        """Return the tensors that were changed since."""
        found = {id(tensor): tensor for tensor, before in self._versions if version(tensor) != before}
        found |= {id(buffer): buffer for buffer, before in self._contents if not is_same(buffer, before)}
        return list(found.values())


def names_of(tensors: Sequence[torch.Tensor], variables: Iterable[tuple[str, Any]], ids: TensorIds) -> list[str]:
    """Return what to call some tensors: the paths by which variables lead to them, or their shapes."""
    if not tensors:
        return []
    search = Search(map(id, tensors))
    search.look(list(variables), "")
    found = [(search.found.get(id(tensor), ("", ""))[0] or _known(tensor, ids), tensor) for tensor in tensors]
    named = [name for name, _ in found if name]
    told = named or [_shape(tensor) for _, tensor in found]
    more = len(told) - _MOST_NAMED
    return [*told[:_MOST_NAMED], *([f"{more:,} more"] if more > 0 else [])]


def _known(tensor: torch.Tensor, ids: TensorIds) -> str:
    return (ids.record(tensor).name or "") if ids.is_known(tensor) else ""


def _shape(tensor: torch.Tensor) -> str:
    return f"a tensor of shape {list(tensor.shape)}"
