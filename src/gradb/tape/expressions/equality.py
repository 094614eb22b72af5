"""Compares two operands, and says where they differ.

Equality is exact in the dtype of the tensor: the expected numbers are rounded to it first, so that ``x == 0.1`` holds
for the float32 nearest to 0.1. Two NaN are equal. Shapes count: a matrix is expected as a list of lists.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gradb.tape.expressions.faults import NoValue
from gradb.tape.expressions.operands import Numbers, OnsetView, Unkept
from gradb.tape.indices import unravel
from gradb.tape.values import Number

_FORMATS = {"float32": "f", "float16": "e"}


@dataclass(frozen=True, slots=True)
class Approx:
    """``approx(x)`` or ``approx(x, 0.01)``: equal within a relative tolerance."""

    value: Any
    tolerance: float = 1e-4


def flatten(value: Any) -> tuple[tuple[int, ...], list[Number]] | None:
    """Return shape and numbers of an Array, a number or nested lists of them; None for anything else."""
    shape = _shape(value)
    return None if shape is None else (shape, list(_numbers(value)))


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape without looking at numbers: it is asked for at every level of nested lists."""
    if isinstance(value, Numbers):
        return value.shape
    if isinstance(value, int | float | complex):
        return ()
    if not isinstance(value, list | tuple):
        return None
    shapes = {_shape(item) for item in value}
    inner = shapes.pop() if shapes else ()
    return None if inner is None or shapes else (len(value), *inner)


def _numbers(value: Any) -> Iterator[Number]:
    if isinstance(value, Numbers):
        yield from value.numbers
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
    else:
        yield value


def is_equal(left: Any, right: Any) -> bool:
    """Tell whether two operands are equal."""
    return next(differences(left, right), None) is None


def differences(left: Any, right: Any) -> Iterator[str]:
    """Yield where two operands differ, in words."""
    for side in (left, right):
        if isinstance(side, Unkept):
            raise NoValue(f"the value cannot be compared: {side.why}")
    tolerance = next((side.tolerance for side in (left, right) if isinstance(side, Approx)), 0.0)
    left, right = (side.value if isinstance(side, Approx) else side for side in (left, right))
    one, two = flatten(left), flatten(right)
    if one is None or two is None:
        yield from _plain_differences(left, right, tolerance)
    elif one[0] != two[0]:
        yield f"shape {list(one[0])} is not shape {list(two[0])}"
    else:
        dtype = next((side.dtype for side in (left, right) if isinstance(side, Numbers)), "float64")
        yield from _number_differences(one, two, dtype, tolerance)


def _plain_differences(left: Any, right: Any, tolerance: float) -> Iterator[str]:
    if isinstance(left, list | tuple) and isinstance(right, list | tuple) and len(left) == len(right):
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            wanted = Approx(b, tolerance) if tolerance else b
            yield from (f"at [{i}]: {text}" for text in differences(a, wanted))
    elif type(left) is not type(right) or left != right:
        yield f"{show(left)} is not {show(right)}"


def _number_differences(
    one: tuple[tuple[int, ...], list[Number]], two: tuple[tuple[int, ...], list[Number]], dtype: str, tolerance: float
) -> Iterator[str]:
    shape = one[0]
    for i, (a, b) in enumerate(zip(one[1], two[1], strict=True)):
        if not _is_same(a, b, dtype, tolerance):
            place = "".join(f"[{k}]" for k in unravel(i, shape))
            yield f"at {place}: {show(a)} is not {show(b)}" if place else f"{show(a)} is not {show(b)}"


def _is_same(a: Number, b: Number, dtype: str, tolerance: float) -> bool:
    if isinstance(a, complex) or isinstance(b, complex):
        first, second = complex(a), complex(b)
        part = "float32" if dtype == "complex64" else "float64"
        pairs = ((first.real, second.real), (first.imag, second.imag))
        return all(_is_same(x, y, part, tolerance) for x, y in pairs)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if tolerance:
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance * 1e-2)
    return a == b or rounded(a, dtype) == rounded(b, dtype)


def rounded(number: float, dtype: str) -> float:
    """Return the number of ``dtype`` nearest to ``number``."""
    code = _FORMATS.get(dtype)
    try:
        if code is not None:
            return float(struct.unpack(code, struct.pack(code, number))[0])
        return _bfloat16(number) if dtype == "bfloat16" else number
    except OverflowError:
        return math.copysign(math.inf, number)


def _bfloat16(number: float) -> float:
    (bits,) = struct.unpack("<I", struct.pack("<f", number))
    if math.isfinite(number):
        bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000  # round half to even
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def show(value: Any) -> str:
    """Return an operand as a person would write it."""
    if isinstance(value, Approx):
        return f"approx({show(value.value)})"
    if isinstance(value, Unkept):
        return f"<shape {list(value.shape)}: {value.why}>"
    if isinstance(value, Numbers):
        return _show_array(value.shape, value.numbers)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(show(item) for item in value) + "]"
    if isinstance(value, OnsetView):
        return f"<{value}>"
    if isinstance(value, float):
        return f"{value:.9g}"
    return repr(value)


def cut(text: str, length: int = 2000) -> str:
    """Return a text, cut where it is long."""
    return text if len(text) <= length else text[:length] + " …"


def _show_array(shape: tuple[int, ...], numbers: tuple[Number, ...]) -> str:
    if not shape:
        return show(numbers[0])
    size = len(numbers) // shape[0] if shape[0] else 0
    rows = (_show_array(shape[1:], numbers[i * size : (i + 1) * size]) for i in range(shape[0]))
    return "[" + ", ".join(rows) + "]"
