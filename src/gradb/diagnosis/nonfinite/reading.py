"""One value that one event read or made, and how the one who made it can be found."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from gradb.algebra.figures import number
from gradb.tape.indices import ravel, unravel
from gradb.tape.values import Nonfinite, Number, TensorValue

_nonfinite = lru_cache(1024)(TensorValue.nonfinite)
"""Counted once for each value: on a road the same one is asked about several times."""

Side = Literal["read", "made"]
Source = Literal["tensor", "upstream", "buffer", "none"]
"""By what its maker is found: an id of a tensor, the engine, a ``.grad``, or not at all."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value at an event."""

    event: int
    side: Side
    role: str
    """``input``, ``output``, ``upstream``, ``downstream``, ``before``, ``gradient``, ``saved`` ..."""
    number: int
    """Which of its role, from 0."""
    name: str
    """What people call it; empty where it has no name."""
    value: TensorValue
    source: Source = "none"
    tensor: int = 0
    """Id of the tensor, or of the leaf whose buffer it is; 0 where not known."""
    node: int | None = None
    """upstream: the node that it was sent to."""
    backward: int = 0
    """upstream: seq of the backward_start event."""
    element: int | None = None
    """Flat index of the element that is followed; None where it is not known which."""

    @property
    def nonfinite(self) -> Nonfinite | None:
        """What of it is not finite; None where nothing is, or that is not known."""
        return _nonfinite(self.value)

    @property
    def has_nan(self) -> bool:
        """True when it has a NaN."""
        found = self.nonfinite
        return found is not None and found.nan > 0

    @property
    def is_unknown(self) -> bool:
        """True when no numbers of it are kept, so that it may be anything."""
        return self.value.data is None and self.value.stats is None and self.value.numel > 0

    @property
    def is_blank(self) -> bool:
        """True when it is memory that nobody has written to."""
        return self.is_unknown and self.value.note == "not initialised"

    def at(self, element: int | None) -> Reading:
        """Return the same, one element of it followed."""
        return replace(self, element=element)

    def first(self) -> Reading:
        """Return the same, its first element followed that is not finite: a NaN where it has one."""
        return self.at(first_nonfinite(self.value))


def first_nonfinite(value: TensorValue) -> int | None:
    """Return the flat index of the first NaN, else of the first infinity; None where it is not known."""
    numbers = value.numbers()
    if numbers is None:
        found = value.nonfinite()
        is_mixed = found is not None and found.nan and (found.posinf or found.neginf)
        return None if found is None or is_mixed else found.first  # of both kinds it is not known which comes first
    odd = [(not is_nan(each), index) for index, each in enumerate(numbers) if not is_finite(each)]
    return min(odd)[1] if odd else None


def is_nan(each: Number) -> bool:
    """Tell whether a number, or a part of it, is NaN."""
    return each != each


def is_finite(each: Number) -> bool:
    """Tell whether a number is neither NaN nor infinite."""
    return math.isfinite(each.real) and math.isfinite(each.imag)


def element_of(value: TensorValue, flat: int | None) -> Number | None:
    """Return one element; None where it was not kept."""
    if flat is None or not 0 <= flat < value.numel:
        return None
    numbers = value.numbers()
    if numbers is not None:
        return numbers[flat]
    corner = value.stats.corner if value.stats is not None else ()
    return corner[flat] if flat < len(corner) else None


def aligned(value: TensorValue, flat: int | None, shape: tuple[int, ...]) -> int | None:
    """Return which element of a value stands at an element of a larger shape, by broadcasting; None where none does."""
    if flat is None or len(value.shape) > len(shape) or 0 in shape:
        return None
    own = unravel(flat, shape)[len(shape) - len(value.shape) :]
    pairs = list(zip(value.shape, shape[len(shape) - len(value.shape) :], strict=True))
    if any(mine not in {1, theirs} for mine, theirs in pairs):
        return None
    return ravel([0 if mine == 1 else index for index, (mine, _) in zip(own, pairs, strict=True)], value.shape)


def place(shape: tuple[int, ...], flat: int | None) -> str:
    """Return ``[2, 3]``; empty for a single number, or where it is not known."""
    if flat is None or not shape or not 0 <= flat < math.prod(shape):
        return ""
    return "[" + ", ".join(map(str, unravel(flat, shape))) + "]"


def counts(value: TensorValue) -> str:
    """Return ``2 of 12 are nan, 1 is inf``; empty where all are finite, or it is not known."""
    found = value.nonfinite()
    if found is None:
        return ""
    parts = [(found.nan, "nan"), (found.posinf, "inf"), (found.neginf, "-inf")]
    some = [(count, word) for count, word in parts if count]
    if value.numel == 1:
        return number(float(some[0][1]))
    total = f"{value.numel:,}"
    texts = [f"{count:,} of {total} {word}" for count, word in some[:1]] + [
        f"{count:,} {word}" for count, word in some[1:]
    ]
    return ", ".join(texts)
