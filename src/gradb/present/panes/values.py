"""The values pane: the elements of one tensor, a small one as a matrix of numbers, a large one as a heat map too.

Of what was not kept whole it has the statistics and the first elements, and says how more is to be had.
"""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import number
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import cut, remark, wrapped
from gradb.present.draw.heat import columns_in, ends, heat_line, scale_line
from gradb.present.draw.matrix import Window, matrix_lines
from gradb.present.draw.numbers import element, numbers_lines, shape_text, stats_lines
from gradb.present.draw.safe import plain
from gradb.present.json.operands import operand_json
from gradb.present.json.values import Json
from gradb.present.lines.operand import kept_of, operand_line
from gradb.present.options import Options
from gradb.tape.expressions.operands import Numbers, Unkept

_MAX_NAME = 60
_LEAST_ROWS = 4
_ROWS = 24  # where nobody says how many lines there are
_HEADS = 5  # lines around the matrices
_NUMBERS = 8  # rows of numbers below a heat map


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the elements of what was asked for."""
    asked, width = options.values, options.width
    if not asked.text:
        words = "nothing chosen: `values NAME` shows the elements of a tensor, e.g. values a.grad, values upstream"
        return remark(words, width)
    name = Text(plain(asked.text, _MAX_NAME), style=theme.TITLE)
    found = asked.found
    if found is None or found.why:
        why = "" if found is None else found.why
        return Group(cut(name, width), *wrapped(why, width, theme.DIM))
    value = found.value
    if isinstance(value, Unkept):
        return Group(_title(name, value, width), *_unkept(value, width))
    if not isinstance(value, Numbers):
        return Group(cut(name, width), operand_line(value, width))
    return Group(_title(name, value, width), *_whole(value, options))


def _title(name: Text, value: Numbers | Unkept, width: int) -> Text:
    about = f"  {shape_text(value.shape)} {plain(value.dtype, _MAX_NAME)}"
    return cut(Text.assemble(name, (about, theme.DIM), no_wrap=True), width)


def _unkept(value: Unkept, width: int) -> list[Text]:
    stats = value.stats
    if stats is None:
        return wrapped(value.why, width, theme.DIM)
    count = math.prod(value.shape)
    page = ", ".join(["0:32"] * min(len(value.shape), 2))
    said = (
        f"of {count:,} elements the statistics and the first {len(stats.corner)} are recorded; `gradb --limit {count}`"
        f" keeps all. A script that is held is asked for a part by `print NAME[{page}]`, with its name there"
    )
    return [*stats_lines(kept_of(value), width), *wrapped(said, width, theme.DIM)]


# --- what was kept whole ----------------------------------------------------------------------------------------------


def rows_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns in which a value is drawn: a vector is one row, more dimensions are rows of the last."""
    columns = shape[-1] if shape else 1
    return (math.prod(shape[:-1]), columns) if shape else (1, 1)


def _whole(value: Numbers, options: Options) -> list[Text]:
    rows, columns = rows_of(value.shape)
    if not rows * columns or not value.shape:
        return numbers_lines([number(one, value.dtype) for one in value.numbers], value.shape, options.width)
    texts = [number(one, value.dtype) for one in value.numbers]
    height = max((options.height or _ROWS) - _HEADS, _LEAST_ROWS)
    window = Window(options.width, height, *options.matrix)
    drawn = _matrix(texts, value.shape, window)
    if rows <= height and "…" not in "".join(line.plain for line in drawn):
        return drawn
    few = Window(options.width, min(_NUMBERS, max(height // 3, _LEAST_ROWS)), *options.matrix)
    return [*_heat(value, options, max(height - few.rows, _LEAST_ROWS)), *_matrix(texts, value.shape, few)]


def _matrix(texts: list[str], shape: tuple[int, ...], window: Window) -> list[Text]:
    rows, columns = rows_of(shape)
    before = shape[:-1]
    labels = [element(row, before) or "" for row in range(rows)]
    heads = [f"[{column}]" for column in range(columns)]
    return matrix_lines(lambda row, column: texts[row * columns + column], labels, heads, window)


def _heat(value: Numbers, options: Options, height: int) -> list[Text]:
    """Return a part of the heat map, its indices and its scale, which is that of all elements."""
    rows, columns = rows_of(value.shape)
    shown = min(columns_in(options.width), columns)
    first_row = min(options.matrix[0], max(rows - height, 0))
    first = min(options.matrix[1], max(columns - shown, 0))
    last_row = min(first_row + height, rows)
    scale = ends(value.numbers)
    drawn = [
        heat_line(value.numbers[row * columns + first : row * columns + first + shown], scale)
        for row in range(first_row, last_row)
    ]
    told = f"rows {first_row} to {last_row - 1} of {rows}, columns {first} to {first + shown - 1} of {columns}"
    return [scale_line(value.numbers, value.dtype, options.width), *drawn, *wrapped(told, options.width, theme.DIM)]


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return what was asked for, whole where it was kept whole."""
    asked = options.values
    if not asked.text or asked.found is None:
        return {"values": None}
    found = asked.found
    return {"values": {"expression": asked.text, "value": operand_json(found.value), "why": found.why or None}}
