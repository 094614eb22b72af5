"""Numbers as people read them, and never a wrong one.

A float is shown as it is where four significant digits say it exactly in its own dtype (``14``, ``0.1``, ``-2.5``),
else rounded to four with the zeros kept (``14.00`` is near 14 and is not 14; ``12346.`` had a fraction). Integers are
shown in full.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Sequence

from gradb.tape.values import Number

DIGITS = 4
_INTEGER_LIMIT = 1e7  # floats below this show their whole integer part
_MOST_DIGITS = 17  # tell any two numbers of float64 apart
_FORMATS = {"float32": "<f", "complex64": "<f", "float16": "<e", "complex32": "<e"}
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (100 * 1024, "KiB"))


def number(value: Number, dtype: str = "float64") -> str:
    """Return one number as text; ``dtype`` decides what counts as exact."""
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, complex):
        imaginary = _real(value.imag, dtype)
        sign = "" if imaginary.startswith("-") else "+"
        return f"{_real(value.real, dtype)}{sign}{imaginary}j"
    return _real(value, dtype)


def whole(value: Number, dtype: str = "float64") -> str:
    """Return one number as text; a real one with as many digits as tell it from all others of its dtype."""
    if isinstance(value, complex | int) or not math.isfinite(value) or value == 0:
        return number(value, dtype)
    longer = (f"{value:.{digits}g}" for digits in range(DIGITS + 1, _MOST_DIGITS + 1))
    texts = itertools.chain([number(value, dtype)], longer)
    return next(text for text in texts if _is_same(float(text), value, dtype))


def apart(value: float, bound: float, dtype: str = "float64") -> tuple[str, str]:
    """Return a number and a bound as text, with enough digits to stand in the order in which they are.

    So ``1.0000001`` beside 1, where ``1.000`` would not tell on which side of it that is.
    """
    shown, limit = number(value, dtype), number(bound)
    for digits in range(DIGITS + 1, _MOST_DIGITS + 1):
        if _order(float(shown), float(limit)) == _order(value, bound):
            break
        shown = f"{value:.{digits}g}"
        limit = limit if float(limit) == bound else f"{bound:.{digits}g}"
    return shown, limit


def beside_whole(value: float, dtype: str = "float64") -> str:
    """Return a number as text that stands on its own side of the nearest whole number, as domains end at those."""
    is_near = math.isfinite(value) and abs(value) < _INTEGER_LIMIT
    return apart(value, float(round(value)), dtype)[0] if is_near else number(value, dtype)


def counted(count: int, noun: str) -> str:
    """Return how many there are of something: ``1 call``, ``4,000 calls``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def bytes_text(count: int) -> str:
    """Return a number of bytes as text: ``16 bytes``, ``1.5 MiB``."""
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / (1 << 10 if unit == 'KiB' else size):,.1f} {unit}"
    return counted(count, "byte")


def _order(one: float, other: float) -> int:
    return (one > other) - (one < other)


def _real(value: float, dtype: str) -> str:
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    if abs(value) < _INTEGER_LIMIT and value == int(value):
        return str(int(value))
    short = f"{value:.{DIGITS}g}"
    if _is_same(float(short), value, dtype):
        return short
    if 10**DIGITS - 0.5 <= abs(value) < _INTEGER_LIMIT - 0.5:
        return f"{value:.0f}."  # the point says that a fraction was left out
    return f"{value:#.{DIGITS}g}"


def _is_same(shown: float, value: float, dtype: str) -> bool:
    if dtype == "bfloat16":  # half of the gap between neighbours is 2**-9 of the value
        return abs(shown - value) <= abs(value) * 2.0**-9
    code = _FORMATS.get(dtype)
    if code is None:
        return shown == value
    try:
        return struct.pack(code, shown) == struct.pack(code, value)
    except OverflowError:
        return False


def vector(numbers: Sequence[Number], dtype: str = "float64", limit: int = 12) -> str:
    """Return ``[14 18 22 26]``; beyond ``limit`` numbers the middle is ``…``."""
    if len(numbers) <= limit:
        return "[" + " ".join(number(n, dtype) for n in numbers) + "]"
    head = " ".join(number(n, dtype) for n in numbers[: limit - 2])
    tail = " ".join(number(n, dtype) for n in numbers[-2:])
    return f"[{head} … {tail}]"
