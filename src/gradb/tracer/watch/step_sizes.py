"""How much a step changes its parameters. It needs them as they were before, so it is measured where somebody asks."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import torch

from gradb.tape.expressions.functions import norm
from gradb.tape.kinds.step import Size
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.native import reading
from gradb.tracer.tensors.norms import norm_of_all
from gradb.tracer.tensors.values import Unreadable, readable

_UNREADABLE = (Unreadable, RuntimeError, NotImplementedError, TypeError)

Copies = list[torch.Tensor | bytes]
"""Of each parameter what it was: bytes of the accelerator's, where that knows it, else a copy."""


def copies_of(parameters: Iterable[torch.Tensor]) -> Copies | None:
    """Return the parameters as they are now: as much memory as they take. None where one of them cannot be read."""
    try:
        return [reading.keep(one) or Methods.clone(readable(one, sys.maxsize)) for one in parameters]
    except _UNREADABLE:
        return None


def size_of(copies: Copies, parameters: list[torch.Tensor]) -> Size | None:
    """Return how much the parameters differ from what they were: 2-norms over all of them, in double precision.

    None where that cannot be told: there are others now, or of other shapes.
    """
    if len(copies) != len(parameters):
        return None
    norms: list[tuple[float | None, float | None]] = []
    try:
        for old, new in zip(copies, parameters, strict=True):
            if isinstance(old, bytes):
                if (found := reading.change(old, new)) is None:
                    return None
                norms.append(found)
                continue
            now = readable(new, sys.maxsize)
            if now.shape != old.shape:
                return None
            before = _wide(old)
            norms.append((norm_of_all((Methods.sub(_wide(now), before),)), norm_of_all((before,))))
    except _UNREADABLE:
        return None
    changes, wholes = ([one for one in part if one is not None] for part in zip(*norms, strict=True))
    return Size(norm(changes), norm(wholes)) if len(changes) == len(wholes) == len(norms) else None


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return Methods.to(tensor, torch.complex128 if Methods.is_complex(tensor) else torch.float64)
