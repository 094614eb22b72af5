"""A tensor that has been NaN for long is not followed update by update: its first update that left it so is looked up.

A NaN stays: an optimizer's step, or arithmetic in place, of a parameter that is NaN leaves NaN. So of the updates that
follow each other, all marked as having a NaN, the first one of this tensor is found by bisection.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.reading import Reading, element_of, is_nan
from gradb.frame.origins import Origins

_LEAST = 8
"""Updates that are worth a look-up."""
_KEEPING = frozenset(
    {"Tensor.add_", "Tensor.sub_", "Tensor.mul_", "Tensor.div_", "Tensor.addcmul_", "Tensor.addcdiv_", "Tensor.lerp_"}
)
"""Functions in place that make a NaN of a NaN."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """Updates that were passed over, between two that are followed."""

    first: int
    """Event of the first of them."""
    last: int
    """Event of the last."""
    count: int
    iterations: tuple[int, int]
    """Of both."""


def since(origins: Origins, made: Reading) -> tuple[Reading, Lasting] | None:
    """Return the tensor as the first of many updates left it NaN, and what is passed over; None where it is not long.

    Args:
        origins: of the tape.
        made: a tensor that is NaN, at the last of the updates.
    """
    if not made.has_nan or not made.tensor or made.source != "tensor":
        return None
    event = origins.event(made.event)
    if not _keeps(event.kind, event.name):
        return None
    updates = takewhile(lambda one: _keeps(one[1], one[2]), origins.lasting(made.tensor, made.event))
    return _first(origins, made, [seq for seq, _, _ in updates])


def _keeps(kind: str, name: str) -> bool:
    return kind == "step" or (kind == "op" and name in _KEEPING)


def _first(origins: Origins, made: Reading, updates: list[int]) -> tuple[Reading, Lasting] | None:
    """Bisect the updates, newest first, of which the newest is the one that made the value."""
    low, high = 0, len(updates)
    found = made
    while high - low > 1:
        middle = (low + high) // 2
        then = _at(origins, made, updates[middle])
        if then is None:
            high = middle
        else:
            low, found = middle, then
    if low <= _LEAST:
        return None
    first, last = updates[low - 1], updates[1]
    spanned = origins.event(first).iteration, origins.event(last).iteration
    return found, Lasting(first, last, low - 1, spanned)


def _at(origins: Origins, made: Reading, seq: int) -> Reading | None:
    """Return the tensor as an update left it, where the element that is followed was NaN already."""
    one = next((each for each in traffic.made(origins, seq) if each.tensor == made.tensor), None)
    if one is None or not one.has_nan or one.value.shape != made.value.shape:
        return None
    element = element_of(one.value, made.element)
    return one.at(made.element) if element is None or is_nan(element) else None
