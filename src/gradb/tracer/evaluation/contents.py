"""The tensors that there are in the process, and whether one still has the very bytes that it had."""

from __future__ import annotations

import gc
from typing import NamedTuple

import torch

from gradb.tracer.isolation.genuine import Functions, Methods
from gradb.tracer.source.variables import attributes_held
from gradb.tracer.tensors.values import is_ordinary

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""dtypes by the bytes of an element."""


class Alive(NamedTuple):
    """What Python knows of, as far as it can be looked at without running foreign code."""

    tensors: list[torch.Tensor]
    buffers: list[torch.Tensor]
    """Those of them that modules keep as buffers."""


def alive() -> Alive:
    """Return all tensors that there are now."""
    wanted = _kinds(torch.Tensor) | _kinds(torch.nn.Module)
    found = [one for one in gc.get_objects() if type(one) in wanted]
    return Alive(
        [one for one in found if is_ordinary(one)],
        [buffer for one in found if isinstance(one, torch.nn.Module) for buffer in _buffers(one)],
    )


def _kinds(kind: type) -> set[type]:
    """Return a class and all below it."""
    found, pending = {kind}, [kind]
    while pending:
        below: set[type] = set(type.__subclasses__(pending.pop())) - found
        found |= below
        pending += below
    return found


def _buffers(module: torch.nn.Module) -> list[torch.Tensor]:
    kept = attributes_held(module).get("_buffers")
    return [one for one in dict.values(kept) if is_ordinary(one)] if isinstance(kept, dict) else []


def is_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Tell whether two dense tensors have the same shape, dtype and bytes."""
    if one.shape != other.shape or one.dtype is not other.dtype or one.layout is not other.layout:
        return False
    return bool(Functions.equal(_bits(one), _bits(other)))


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    tensor = Methods.detach(tensor)
    if tensor.dtype is torch.complex128:
        tensor = Functions.view_as_real(tensor)
    return Methods.view(tensor, _INTEGERS[Methods.element_size(tensor)])
