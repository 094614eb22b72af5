"""Parts of a tensor that was not kept whole: how a script that is held is asked for one, and which it has told.

A part is asked for by `print`, so that its answer is an event of the tape, and what is shown follows from the position.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gradb.frame.frame import Frame
from gradb.tape.expressions.operands import Numbers, tensor

SIDE = 32
"""Rows and columns of a part."""
_MOST = SIDE * SIDE  # elements of a part of a vector
_ENDS = re.compile(r"\[(?:(\d{1,12}):\d{1,12}, )?(\d{1,12}):\d{1,12}\]\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """A part that the script has told."""

    row: int
    """Its first row, and its first column."""
    column: int
    value: Numbers
    """Its elements, in rows and columns."""
    event: int
    """Of when they are."""

    def has(self, row: int, column: int) -> bool:
        """Tell whether an element is in it."""
        rows, columns = rows_of(self.value.shape)
        return self.row <= row < self.row + rows and self.column <= column < self.column + columns


def rows_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns in which a value is drawn: a vector is one row, more dimensions are rows of the last."""
    columns = shape[-1] if shape else 1
    return (math.prod(shape[:-1]), columns) if shape else (1, 1)


def asking(text: str, shape: tuple[int, ...], row: int, column: int) -> str:
    """Return the Python by which the script is asked for the part that an element is in."""
    if len(shape) < 2:
        first = column // _MOST * _MOST
        return f"{text}[{first}:{first + _MOST}]"
    rows = text if len(shape) == 2 else f"{text}.flatten(0, -2)"
    top, left = row // SIDE * SIDE, column // SIDE * SIDE
    return f"{rows}[{top}:{top + SIDE}, {left}:{left + SIDE}]"


def page_of(frame: Frame, text: str, shape: tuple[int, ...]) -> Page | None:
    """Return the part of a tensor that the newest answer of the script has; None where it has none."""
    printed = frame.printed
    found = None if printed is None else _ENDS.search(printed.detail.expression)
    if printed is None or found is None or not printed.detail.parts or printed.detail.parts[0].tensor is None:
        return None
    row, column = int(found[1] or 0), int(found[2])
    value = tensor(printed.detail.parts[0].tensor.value)
    if printed.detail.expression != asking(text, shape, row, column) or not isinstance(value, Numbers):
        return None
    return Page(row, column, value, printed.event)
