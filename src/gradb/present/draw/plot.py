"""The loss plot: curves, cursor, marks of what was changed, and where values stop being numbers.

Each curve has a sign of its own, so that no two of them are told apart by colour alone. What cannot be drawn in its
place (NaN, infinities, values that have blown up, values without a logarithm) is drawn at the edge and put into words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby

from rich.text import Text

from gradb.algebra.figures import number
from gradb.present.draw import theme
from gradb.present.draw.columns import Column, IterationRange, gather
from gradb.present.draw.curves import Canvas, Curve
from gradb.present.draw.flags import MARK, NONFINITE, flag_lines, flags_of
from gradb.present.draw.raster import AXES, BRAILLE, Stroke, cell_height, margin, raster
from gradb.present.draw.scale import Scale, Tick, fitting, round_step
from gradb.present.draw.styled import StyledLine

MIN_WIDTH, MIN_HEIGHT = 20, 5
_LABEL = 4  # cells of a vertical label, at least
_POINT = "•"  # a point with no neighbour: as a fine line it would be one dot
_ABOVE, _BELOW = "▴", "▾"
_CURSOR, _CURSOR_FOOT, _MARK_FOOT = "│", "▲", "┴"
_CHOSEN, _CHOSEN_FOOT = "┆", "▼"
_MOST_KEPT = 4
_FINE = frozenset(map(chr, range(0x2801, 0x2900))) | {_POINT}


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot, drawn."""

    lines: tuple[Text, ...]
    """As many and as wide as was asked for."""
    notes: tuple[str, ...]
    """What has to be said beside it."""


def draw(drawing: Canvas, width: int, height: int) -> Picture:
    """Return the plot, ``height`` lines of ``width`` cells."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        words = [Text("no room for the plot"), *[Text("")] * height][: max(height, 0)]
        return Picture(tuple(_exactly(line, width) for line in words), ())
    return _layout(drawing, width, height).picture()


def notes(drawing: Canvas, width: int, height: int) -> tuple[str, ...]:
    """Return what has to be said beside the plot, without drawing it."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return ()
    return tuple(_layout(drawing, width, height).notes())


def _layout(drawing: Canvas, width: int, height: int) -> _Layout:
    """Return the plot laid out; of the newest few all is kept that does not depend on the cursor."""
    curves = tuple((id(curve.series), curve.label, curve.sign, curve.style) for curve in drawing.curves)
    key = (curves, drawing.window, drawing.is_log, drawing.marks, drawing.ghost_marks, drawing.forks, width, height)
    found = _kept.get(key)
    if found is None:
        while len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]
        found = _kept[key] = _Layout(drawing, width, height)  # which holds the series, so that no other has its id
    return found.with_cursors(drawing.cursor, drawing.chosen)


class _Layout:
    """One plot being drawn: sizes first, then curves, then what is laid over them."""

    def __init__(self, drawing: Canvas, width: int, height: int) -> None:
        self.drawing, self.width = drawing, width
        flags = flags_of(drawing)
        for tops in (1, 2) if height >= 12 and flags else (1,) if height > MIN_HEIGHT and flags else (0,):
            self.rows = height - tops - AXES
            self.scale, self.margin, self.gathered = self._scaled()
            self.columns = width - self.margin
            self.flags = [(self._cell(flag.iteration), flag) for flag in flags]
            self.tops, self.left_out = flag_lines(self.flags, self.columns, tops)
            if not self.left_out:
                break
        self._drawn: list[StyledLine] = []

    def with_cursors(self, cursor: int | None, chosen: int | None) -> _Layout:
        """Return the same plot with position and choice elsewhere."""
        other = copy(self)
        other.drawing = replace(self.drawing, cursor=cursor, chosen=chosen)
        return other

    def _scaled(self) -> tuple[Scale, int, list[list[Column]]]:
        """Return scale, margin and columns: the labels of the scale take from the room for the columns."""
        space = self.width - _LABEL - 1
        for _ in range(3):
            found = self._gather(space)
            scale = fitting(found, is_log=self.drawing.is_log)
            edge = margin(self._ticks(scale))
            if self.width - edge == space:
                break
            space = self.width - edge
        return scale, self.width - space, self._gather(space)

    def _gather(self, space: int) -> list[list[Column]]:
        known = self.drawing.gathered
        if space not in known:
            curves, window, is_log = self.drawing.curves, self.drawing.window, self.drawing.is_log
            known[space] = [gather(curve.series, window, 2 * space, is_log=is_log) for curve in curves]
        return known[space]

    def _ticks(self, scale: Scale) -> list[Tick]:
        """Return round numbers, one on every other line at most, of a width that rarely changes as a run goes on."""
        return [(height, f"{label:>{_LABEL}}") for height, label in scale.ticks(max(self.rows // 2, 2))]

    def _cell(self, iteration: int) -> int:
        return self.drawing.window.column(iteration, 2 * self.columns) // 2

    def picture(self) -> Picture:
        """Draw it."""
        if not self._drawn:
            canvas = [list(line) for line in self._curves()]
            self._lay_over(canvas)
            known = self._styles()
            self._drawn += [self._styled(line, row, known) for row, line in enumerate(canvas)]
        lines = [self._with_uprights(line, row) for row, line in enumerate(self._drawn)]
        head = [_exactly(Text(" " * self.margin).append_text(line), self.width) for line in self.tops]
        return Picture((*head, *lines), tuple(self.notes()))

    def _curves(self) -> list[str]:
        """Return curves and axes, with nothing over them."""
        strokes = [
            stroke
            for curve, columns in zip(self.drawing.curves, self.gathered, strict=True)
            for stroke in _strokes(curve, columns, self.scale, self.rows)
        ]
        ticks = self._ticks(self.scale)
        return raster(strokes[::-1], self.width, self.rows + AXES, _x_ticks(self.drawing.window, self.columns), ticks)

    # --- over the curves ----------------------------------------------------------------------------------------------

    def _lay_over(self, canvas: list[list[str]]) -> None:
        for cell, line in dict.fromkeys((cell, flag.line) for cell, flag in self.flags if flag.line is not None):
            self._vertical(canvas, cell, line)
        for column in (column for columns in self.gathered for column in columns):
            cell = self.margin + column.at // 2
            top, bottom = self._edges(column)
            canvas[0][cell] = top or canvas[0][cell]
            canvas[self.rows - 1][cell] = bottom or canvas[self.rows - 1][cell]

    def _edges(self, column: Column) -> tuple[str, str]:
        """Return the signs at the top and the bottom of a column, where something in it is not in its place."""
        _, low, high, _ = column.shape or (0.0, math.inf, -math.inf, 0.0)
        above, below = self.scale.cut_above, self.scale.cut_below
        top = NONFINITE if column.nonfinite else _ABOVE if above is not None and high > above else ""
        return top, _BELOW if column.nonpositive or (below is not None and low < below) else ""

    def _vertical(self, canvas: list[list[str]], cell: int, sign: str) -> None:
        for line in canvas[: self.rows] if sign else ():
            if line[self.margin + cell] == " ":
                line[self.margin + cell] = sign
        canvas[self.rows][self.margin + cell] = _MARK_FOOT

    def _uprights(self) -> tuple[tuple[int | None, str, str], ...]:
        """Return position and choice: iteration, sign of the line, and its foot."""
        return (self.drawing.cursor, _CURSOR, _CURSOR_FOOT), (self.drawing.chosen, _CHOSEN, _CHOSEN_FOOT)

    def _cell_of(self, iteration: int | None) -> int | None:
        """Return the cell of an iteration that is shown."""
        window = self.drawing.window
        return None if iteration is None or not window.first <= iteration <= window.last else self._cell(iteration)

    def _styled(self, line: list[str], row: int, known: dict[str, str]) -> StyledLine:
        if row >= self.rows:
            styles = [theme.DIM] * self.width
        else:
            styles = [theme.DIM if cell < self.margin else known.get(char, "") for cell, char in enumerate(line)]
        return StyledLine.of(line, styles)

    def _with_uprights(self, line: StyledLine, row: int) -> Text:
        """Draw position and choice over a line; of two in one cell the first sign and the last foot are seen."""
        chars: dict[int, str] = {}
        for iteration, sign, foot in self._uprights():
            if (cell := self._cell_of(iteration)) is not None:
                at = self.margin + cell
                char = chars.get(at, line.chars[at])
                chars[at] = foot if row == self.rows else sign if row < self.rows and char in {" ", MARK} else char
        for at, char in chars.items():
            is_line = row >= self.rows or char in {_CURSOR, _CHOSEN}
            line = line.with_cell(at, char, theme.CURRENT if is_line else f"{line.style_at(at)} reverse")
        return line.text()

    def _styles(self) -> dict[str, str]:
        result = {_CURSOR: theme.CURRENT, _CHOSEN: theme.CURRENT, MARK: theme.DIM}
        result |= dict.fromkeys((NONFINITE, _ABOVE, _BELOW), theme.WARNING)
        for curve in self.drawing.curves:
            result |= dict.fromkeys(_FINE if curve.sign == BRAILLE else curve.sign, curve.style)
        return result

    # --- in words -----------------------------------------------------------------------------------------------------

    def notes(self) -> Iterator[str]:
        """Yield what has to be said beside it."""
        left_out = [flag for flag in self.left_out if flag.line != ""]
        if left_out:
            more = f" and {len(left_out) - 4} more" if len(left_out) > 4 else ""
            yield "not named in the plot: " + ", ".join(flag.text for flag in left_out[:4]) + more
        cursor, window = self.drawing.cursor, self.drawing.window
        if cursor is not None and self._cell_of(cursor) is None:
            where = "before" if cursor < window.first else "after"
            yield f"the position, iteration {cursor:,}, lies {where} what is shown"
        yield from self._cut_notes()
        curves = zip(self.drawing.curves, self.gathered, strict=True)
        count = sum(column.nonpositive for curve, columns in curves if not curve.is_derived for column in columns)
        if count:
            values = f"{count:,} value is" if count == 1 else f"{count:,} values are"
            yield f"{_BELOW} {values} not above 0: no logarithm, so no place on a log scale"

    def _cut_notes(self) -> Iterator[str]:
        shapes = [column.shape for columns in self.gathered for column in columns if column.shape]
        if self.scale.cut_above is not None:
            largest = max(high for _, _, high, _ in shapes)
            limits = f"above {_about(self.scale.cut_above)}: up to {_about(largest)}"
            yield f"{_ABOVE} cut off {limits}; a log scale shows it"
        if self.scale.cut_below is not None:
            smallest = min(low for _, low, _, _ in shapes)
            yield f"{_BELOW} cut off below {_about(self.scale.cut_below)}: down to {_about(smallest)}"


_kept: dict[tuple[object, ...], _Layout] = {}


def _about(value: float) -> str:
    return number(float(f"{value:.3g}"))


def _strokes(curve: Curve, columns: Sequence[Column], scale: Scale, rows: int) -> list[Stroke]:
    """Return the line of a curve, and its lone points."""
    line: list[tuple[float, float, bool]] = []
    lone: list[tuple[float, float, bool]] = []
    drawn = [column for column in columns if column.shape is not None]
    for index, column in enumerate(drawn):
        heights = [cell_height(scale.height(value), rows) for value in column.shape or ()]
        place = (column.at + 0.5) / 2
        heights = [height for height, _ in groupby(heights)]
        is_begun = bool(index) and not column.is_apart
        is_followed = index + 1 < len(drawn) and not drawn[index + 1].is_apart
        if len(heights) == 1 and not is_begun and not is_followed and curve.sign == BRAILLE:
            lone.append((place, heights[0], False))
        else:
            line += [(place, height, is_begun or at > 0) for at, height in enumerate(heights)]
    return [Stroke(_POINT, lone), Stroke(curve.sign, line)]


def _x_ticks(window: IterationRange, columns: int) -> list[tuple[float, str]]:
    """Return round iterations that are far enough apart, among them the first."""
    step = max(int(round_step(float(window.length), columns / 9)), 1)
    rounded = range(-(-window.first // step) * step, window.last + 1, step)
    kept: list[tuple[int, int, str]] = []
    for iteration in (window.first, *rounded):
        cell, label = window.column(iteration, 2 * columns) // 2, str(iteration)
        first = max(min(cell - len(label) // 2, columns - len(label)), 0)
        if not kept or first > kept[-1][1] + 1:
            kept.append((cell, first + len(label), label))
    return [(cell + 0.5, label) for cell, _, label in kept]


def _exactly(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis", pad=True)
    return line
