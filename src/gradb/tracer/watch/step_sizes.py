"""How much a step changes its parameters. It needs them as they were before, so it is measured where somebody asks."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch

from gradb.tape.expressions.functions import norm
from gradb.tape.kinds.step import Size
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.native import reading
from gradb.tracer.tensors.norms import norm_of_all
from gradb.tracer.tensors.values import Unreadable, readable

_UNREADABLE = (Unreadable, RuntimeError, NotImplementedError, TypeError)

Copies = list[torch.Tensor] | tuple[bytes, ...]
"""Of each parameter what it was: bytes of the accelerator's, where that knows all of them, else copies."""


def copies_of(parameters: list[torch.Tensor]) -> Copies | None:
    """Return the parameters as they are now: as much memory as they take. None where one of them cannot be read."""
    kept: tuple[bytes, ...] | None = reading.keep(parameters)
    if kept is not None:
        return kept
    try:
        return [Methods.clone(readable(one, sys.maxsize)) for one in parameters]
    except _UNREADABLE:
        return None


def size_of(copies: Copies, parameters: list[torch.Tensor]) -> Size | None:
    """Return how much the parameters differ from what they were: 2-norms over all of them, in double precision.

    None where that cannot be told: there are others now, or of other shapes.
    """
    if isinstance(copies, tuple):
        norms: tuple[Sequence[float], Sequence[float]] | None = reading.change(copies, parameters)
    else:
        norms = _norms(copies, parameters)
    return None if norms is None else Size(norm(norms[0]), norm(norms[1]))


def _norms(copies: list[torch.Tensor], parameters: list[torch.Tensor]) -> tuple[list[float], list[float]] | None:
    """Return by torch what ``change`` of the accelerator does."""
    if len(copies) != len(parameters):
        return None
    changes, wholes = [], []
    try:
        for old, new in zip(copies, parameters, strict=True):
            now = readable(new, sys.maxsize)
            if now.shape != old.shape:
                return None
            before = _wide(old)
            changes.append(norm_of_all((Methods.sub(_wide(now), before),)))
            wholes.append(norm_of_all((before,)))
    except _UNREADABLE:
        return None
    known = [[one for one in part if one is not None] for part in (changes, wholes)]
    return (known[0], known[1]) if len(known[0]) == len(known[1]) == len(copies) else None


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return Methods.to(tensor, torch.complex128 if Methods.is_complex(tensor) else torch.float64)
