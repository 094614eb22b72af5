"""Large matrices as heat maps: a glyph an element, from the lowest to the highest, with the scale beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from gradb.algebra.figures import number
from gradb.present.draw import theme
from gradb.present.draw.fields import cut
from gradb.tape.values import Number

RAMP = " .:-=+*#%@"
"""From the lowest value to the highest."""
NAN, INFINITE = "N", "I"
_WIDE = 2  # cells an element takes


def magnitude(value: Number) -> float:
    """Return what is drawn of a number: itself, of a complex one its magnitude."""
    return abs(value) if isinstance(value, complex) else float(value)


def ends(numbers: Sequence[Number]) -> tuple[float, float] | None:
    """Return the lowest and the highest finite number; None where there is none."""
    finite = [size for size in map(magnitude, numbers) if math.isfinite(size)]
    return (min(finite), max(finite)) if finite else None


def glyph(value: Number, scale: tuple[float, float] | None) -> tuple[str, str]:
    """Return the glyph of a number on a scale, and its style."""
    size = magnitude(value)
    if math.isnan(size):
        return NAN, theme.NONFINITE
    if math.isinf(size):
        return INFINITE, theme.NONFINITE
    low, high = scale or (size, size)
    span = high / 2 - low / 2
    share = (size / 2 - low / 2) / span if span else 0.5
    return RAMP[min(int(share * len(RAMP)), len(RAMP) - 1)], ""


def heat_line(numbers: Sequence[Number], scale: tuple[float, float] | None) -> Text:
    """Return a row of a matrix."""
    line = Text(no_wrap=True)
    for value in numbers:
        sign, style = glyph(value, scale)
        line.append(sign * _WIDE, style)
    return line


def columns_in(width: int) -> int:
    """Return how many elements there is room for in a line."""
    return max(width // _WIDE, 1)


def scale_line(numbers: Sequence[Number], dtype: str, width: int) -> Text:
    """Return which glyph stands for what: ``-0.1 [ .:-=+*#%@] 0.2   N nan``."""
    scale = ends(numbers)
    what = "|x| " if any(isinstance(value, complex) for value in numbers) else ""
    line = Text(f"{what}nothing is finite" if scale is None else "", style=theme.DIM, no_wrap=True)
    if scale is not None:
        line.append(f"{what}{number(scale[0], dtype)} [{RAMP}] {number(scale[1], dtype)}")
    sizes = list(map(magnitude, numbers))
    line.append(f"   {NAN} nan" if any(map(math.isnan, sizes)) else "", theme.NONFINITE)
    line.append(f"   {INFINITE} infinite" if any(map(math.isinf, sizes)) else "", theme.NONFINITE)
    return cut(line, width)
