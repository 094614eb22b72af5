"""Measures how far a node's gradients are rounding: where large terms cancel out inside of a formula.

Such a formula (normalisation over a single element, a softmax that is sure of itself) gives what is left of terms that
no matrix shows. Its results for the upstream gradient and for parts of it differ by what was rounded on the way, as the
result of the engine differs from upstream times local.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from gradb.tracer.isolation.genuine import Methods

Gradients = Sequence[torch.Tensor | None]

_PARTS = (3, 7)
"""Divisors of the upstream gradient: none is a power of two, by which all would be rounded alike."""


def noise(formula: Callable[[Gradients], Gradients], upstream: Gradients) -> list[float]:
    """Return for each result of a formula the largest distance between multiples that ought to be equal.

    Empty where that is not known.

    Args:
        formula: takes upstream gradients downstream; linear but for rounding.
        upstream: dL/d(output) of each output.
    """
    try:
        whole = formula(_divided(upstream, 1))
        parts = [(part, formula(_divided(upstream, part))) for part in _PARTS]
        return [max(_distance(one, row[at], part) for part, row in parts) for at, one in enumerate(whole)]
    except Exception:  # a formula that refuses one of them may have been measured all the same
        return []


def _divided(gradients: Gradients, part: int) -> Gradients:
    return [None if gradient is None else Methods.div(Methods.detach(gradient), part) for gradient in gradients]


def _distance(whole: torch.Tensor | None, other: torch.Tensor | None, part: int) -> float:
    if whole is None or other is None or not Methods.numel(whole):
        return 0.0
    apart = Methods.abs(Methods.sub(whole, Methods.mul(other, part)))
    found = float(Methods.item(Methods.max(apart)))
    return found if math.isfinite(found) else 0.0
