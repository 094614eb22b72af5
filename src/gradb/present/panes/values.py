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
from gradb.present.lines.pages import Page, page_of, rows_of
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
        page = page_of(frame, asked.text, value.shape)
        part = [] if page is None else _page(page, value, frame.called(page.event), options)
        return Group(_title(name, value, width), *part, *_unkept(value, width, has_page=page is not None))
    if not isinstance(value, Numbers):
        return Group(cut(name, width), operand_line(value, width))
    return Group(_title(name, value, width), *_whole(value, options))


def _title(name: Text, value: Numbers | Unkept, width: int) -> Text:
    about = f"  {shape_text(value.shape)} {plain(value.dtype, _MAX_NAME)}"
    return cut(Text.assemble(name, (about, theme.DIM), no_wrap=True), width)


def _unkept(value: Unkept, width: int, *, has_page: bool) -> list[Text]:
    stats = value.stats
    if stats is None:
        return wrapped(value.why, width, theme.DIM)
    count = math.prod(value.shape)
    said = (
        f"of {count:,} elements the statistics and the first {len(stats.corner)} are recorded; `gradb --limit {count}`"
        " keeps all. A script that is held, and knows it by that name, is asked for a part: Enter, and shift and the"
        " arrow keys for the parts beside"
    )
    if has_page:
        said = "shift and the arrow keys ask the script for the parts beside; below: all of it, as it is recorded"
        return [*wrapped(said, width, theme.DIM), *stats_lines(kept_of(value), width)]
    return [*stats_lines(kept_of(value), width), *wrapped(said, width, theme.DIM)]


def _page(page: Page, value: Unkept, event: str, options: Options) -> list[Text]:
    """Return a part that the script has told, from the element on that is looked at."""
    rows, columns = rows_of(page.value.shape)
    of_rows, of_columns = rows_of(value.shape)
    told = (
        f"rows {page.row:,} to {page.row + rows - 1:,} of {of_rows:,}, columns {page.column:,} to"
        f" {page.column + columns - 1:,} of {of_columns:,}, as of event {event}: told by the script (your code, may"
        " have side effects)"
    )
    row, column = options.matrix
    at = (row - page.row, column - page.column) if page.has(row, column) else (0, 0)
    height = max((options.height or _ROWS) - 2 * _HEADS, _LEAST_ROWS)
    window = Window(options.width, height, *at)
    before = value.shape[:-1]
    labels = [element(page.row + one, before) or "" for one in range(rows)]
    heads = [f"[{page.column + one}]" for one in range(columns)]
    texts = [number(one, page.value.dtype) for one in page.value.numbers]
    drawn = matrix_lines(lambda row, column: texts[row * columns + column], labels, heads, window)
    return [*wrapped(told, options.width, theme.DIM), *drawn]


# --- what was kept whole ----------------------------------------------------------------------------------------------


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
    page = page_of(frame, asked.text, found.value.shape) if isinstance(found.value, Unkept) else None
    told = {"expression": asked.text, "value": operand_json(found.value), "why": found.why or None}
    return {"values": told | {"page": None if page is None else _page_json(page)}}


def _page_json(page: Page) -> Json:
    """Return a part that the script has told: its first row and column, and its elements as of an event."""
    return {"row": page.row, "column": page.column, "event": page.event, "value": operand_json(page.value)}
