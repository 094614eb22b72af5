"""The functions that an expression can call: ``norm``, ``abs``, ``min``, ``max``, ``sum`` and ``mean``.

They are torch's, in double precision: a NaN among the numbers is the result. Of a value that was not kept whole the
answer is what was recorded of it; what was not recorded is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from gradb.tape.expressions.arithmetic import bounded, single
from gradb.tape.expressions.faults import ExpressionError, NoValue
from gradb.tape.expressions.operands import Numbers, Operand, Unkept
from gradb.tape.values import PARTS, Number, Stats

Function = Callable[[list[Operand]], Operand]
_LEAST = {f"int{bits}": -(2 ** (bits - 1)) for bits in (8, 16, 32, 64)}
"""The least number of each dtype of whole numbers with a sign."""


def _parts(name: str, values: list[Operand], known: Callable[[Unkept], float | None]) -> list[Number]:
    """Return all numbers of some operands, and of what was not kept whole what is known.

    Raises:
        ExpressionError: there is something else among them.
        NoValue: there is nothing, or something that is not known.
    """
    found = list(_walk(values))
    if not found or all(part is None for part in found):
        raise NoValue(f"there is nothing to take the {name} of")
    return [part for value in found if value is not None for part in _numbers(name, value, known)]


def _walk(values: list[Operand]) -> Iterator[Operand]:
    for value in values:
        if isinstance(value, list):
            yield from _walk(value)
        else:
            yield value


def _numbers(name: str, value: Operand, known: Callable[[Unkept], float | None]) -> Sequence[Number]:
    if isinstance(value, Numbers):
        return value.numbers
    if isinstance(value, Unkept):
        if (found := known(value)) is None:
            raise NoValue(f"the {name} was not recorded: {value.why}")
        return (found,)
    if isinstance(value, int | float | complex):
        return (value,)
    raise ExpressionError(f"{name}(x) takes numbers and values")


def _told(read: Callable[[Stats], float | None]) -> Callable[[Unkept], float | None]:
    return lambda value: None if value.stats is None else read(value.stats)


def _norm(values: list[Operand]) -> float:
    return norm(_parts("norm", values, _norm_told))


def _norm_told(value: Unkept) -> float | None:
    """Return the 2-norm of what was not kept whole: that of its statistics, or the one recorded for itself."""
    known = None if value.stats is None else norm_told(value.stats, math.prod(value.shape))
    return value.norm if known is None else known


def norm(numbers: Sequence[Number]) -> float:
    """Return the 2-norm of numbers."""
    try:
        size = math.hypot(*numbers)  # type: ignore[arg-type]  # a complex one is a TypeError
    except TypeError:
        parts = [part for number in numbers for part in (number.real, number.imag)]
        numbers, size = parts, math.hypot(*parts)
    is_nan = not math.isfinite(size) and any(number != number for number in numbers)
    return math.nan if is_nan else size  # hypot takes an infinity before a NaN


def _abs(values: list[Operand]) -> Operand:
    (value,) = values
    if not isinstance(value, Numbers):
        return _absolute(single(value))
    dtype = PARTS.get(value.dtype, value.dtype)
    numbers = tuple(_absolute(number, _LEAST.get(dtype)) for number in value.numbers)
    return Numbers(value.shape, numbers, dtype) if value.shape else single(Numbers((), numbers, dtype))


def _absolute(number: Number, least: int | None = None) -> Number:
    """Return what torch does: of the least whole number of a dtype, which has no opposite there, that itself."""
    if isinstance(number, complex):
        return math.hypot(number.real, number.imag)
    return number if number == least else abs(number)


def _min(values: list[Operand]) -> Number:
    return _extreme(min, _parts("min", values, _told(least)))


def _max(values: list[Operand]) -> Number:
    return _extreme(max, _parts("max", values, _told(greatest)))


def _extreme(pick: Callable[[Sequence[Any]], Number], numbers: list[Number]) -> Number:
    if not numbers:
        raise NoValue("a value without elements has no smallest and no largest")
    if any(isinstance(number, complex) for number in numbers):
        raise ExpressionError("complex numbers are neither smaller nor larger than others")
    return next((number for number in numbers if number != number), None) or pick(numbers)


def norm_told(stats: Stats, count: int) -> float | None:
    """Return the 2-norm of so many elements of which statistics tell; None where it is not known.

    Where it was not recorded it is known if one answer is left: one element is not finite, or all are the same.
    """
    if stats.nan:
        return math.nan
    if stats.posinf or stats.neginf:
        return math.inf
    if stats.norm is not None:
        return stats.norm
    is_one = stats.minimum is not None and stats.minimum == stats.maximum
    return abs(stats.minimum or 0.0) * math.sqrt(count) if is_one else None


def least(stats: Stats) -> float | None:
    """Return the smallest element of which statistics tell, NaN where there is one; None where it is not known."""
    if stats.nan:
        return math.nan
    if stats.neginf:
        return -math.inf
    return math.inf if stats.minimum is None and stats.posinf else stats.minimum


def greatest(stats: Stats) -> float | None:
    """Return the largest element of which statistics tell, NaN where there is one; None where it is not known."""
    if stats.nan:
        return math.nan
    if stats.posinf:
        return math.inf
    return -math.inf if stats.maximum is None and stats.neginf else stats.maximum


def _sum(values: list[Operand]) -> Number:
    return total(_parts("sum", values, lambda value: None))


def total(numbers: Sequence[Number]) -> Number:
    """Return the sum of numbers, rounded once."""
    if any(isinstance(number, complex) for number in numbers) or all(isinstance(number, int) for number in numbers):
        return bounded(sum(numbers))
    try:
        return math.fsum(numbers)  # type: ignore[arg-type]  # none is complex
    except (OverflowError, ValueError):  # it is infinite, or infinities cancel
        return sum(map(float, numbers))  # type: ignore[arg-type]


def _mean(values: list[Operand]) -> Number:
    if len(values) == 1 and isinstance(values[0], Unkept):
        return _parts("mean", values, _told(attrgetter("mean")))[0]
    numbers = _parts("mean", values, lambda value: None)
    return total(numbers) / len(numbers) if numbers else math.nan


FUNCTIONS: dict[str, Function] = {
    "norm": _norm,
    "abs": _abs,
    "min": _min,
    "max": _max,
    "sum": _sum,
    "mean": _mean,
}
"""What each makes of its arguments."""
MANY = frozenset({"min", "max"})
"""What takes more than one argument."""
