"""The rows of the .grad table: which columns there is room for, and how a row is drawn in them.

Few small leaves, as in a lesson, are shown by their elements: before + added = after comes first. Of a model the norms
come first: of the gradient, of the parameter, and how large the one is beside the other. What is not known is ``?``,
what there is not ``–``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from gradb.algebra.figures import number
from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.gradtable import gradient_norm, largest, parameter_norm, ratio, state_words
from gradb.frame.sizes import norm_of
from gradb.present.draw import theme
from gradb.present.draw.fields import cut
from gradb.present.draw.numbers import inline, is_odd, shape_text, span_text
from gradb.present.draw.table import line
from gradb.present.lines.buffers import NAME_LIMIT, NOT_ADDED, before_text, marker, name_text, verdict
from gradb.tape.values import TensorValue

UNKNOWN, NONE = "?", "–"
NEVER = "never had one"
"""Said beside None of what has never had a gradient."""
_SMALL = 8  # elements that are shown as they are
_FEW = 12  # leaves of a lesson
_NUMBER = 9  # cells of a number: 1.234e-05
_VALUE = 20  # of a value: -0.0167 … 0.01210
_STATE = 27  # of what is said of a buffer: stale since iteration 1,234
_LEAST_NAME = 18
_GAP = 2
_SIGNS = 2
_VERDICT = 1


def are_few_and_small(buffers: Sequence[GradBuffer]) -> bool:
    """Tell whether buffers are those of a lesson: few, of a few elements each."""
    return len(buffers) <= _FEW and all((buffer.leaf or buffer.after or _NOTHING).numel <= _SMALL for buffer in buffers)


_NOTHING = TensorValue((), "")


# --- cells ------------------------------------------------------------------------------------------------------------


def norm_text(buffer: GradBuffer) -> Text:
    """Return the norm of the gradient; ``never`` of what has never had one."""
    if buffer.after is None:
        return Text("never" if buffer.is_never else NONE, style=theme.WARNING if buffer.is_never else theme.DIM)
    return _figure(gradient_norm(buffer))


def _was(buffer: GradBuffer) -> Text:
    """Return the norm of the gradient before the event that is about it."""
    if not buffer.is_current:
        return Text("")
    return _none() if buffer.before is None else _figure(norm_of(buffer.before))


def _parameter_text(buffer: GradBuffer) -> Text:
    return _none() if buffer.leaf is None else _figure(parameter_norm(buffer))


def _ratio_text(buffer: GradBuffer) -> Text:
    is_none = buffer.after is None or buffer.leaf is None or parameter_norm(buffer) == 0
    return _none() if is_none else _figure(ratio(buffer))


def _none() -> Text:
    return Text(NONE, style=theme.DIM)


def _figure(value: float | None) -> Text:
    if value is None:
        return Text(UNKNOWN, style=theme.DIM)
    text = number(value)
    return Text(text, style=theme.NONFINITE if is_odd(text) else "")


def _shape(buffer: GradBuffer) -> str:
    value = buffer.leaf or buffer.after
    return UNKNOWN if value is None else shape_text(value.shape)


def value_text(value: TensorValue | None, width: int, style: str = "") -> Text:
    """Return the elements of a small value, of a large one its norm, or what is known in place of that."""
    if value is None or value.numel <= _SMALL:
        return cut(inline(value, width, style), width)
    size = norm_of(value)
    if size is not None:
        return Text(f"norm {number(size)}", style=style)
    return cut(span_text(value, style) if value.stats is not None else inline(value, width, style), width)


def _before(buffer: GradBuffer) -> Text:
    is_told = buffer.is_current and (buffer.before is None or buffer.before.numel > _SMALL)
    text = value_text(buffer.before, _VALUE - _GAP) if is_told else before_text(buffer, _VALUE)
    return text if buffer.is_current else Text("")


def _added(buffer: GradBuffer) -> Text:
    if not buffer.is_current:
        return Text("")
    if buffer.how.startswith(NOT_ADDED):
        return Text(buffer.how.partition(" ")[0], style=theme.WARNING)
    return value_text(buffer.added, _VALUE, theme.UPSTREAM)


def _after(buffer: GradBuffer) -> Text:
    return value_text(buffer.after, _VALUE, theme.DOWNSTREAM if buffer.is_current else "")


# --- columns ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    """What the rows are sorted by to have it in order; empty where they cannot be."""
    title: str
    width: int
    cell: Callable[[GradBuffer], Text]


def _values() -> tuple[Column, ...]:
    return (
        Column("before", "before", _VALUE, _before),
        Column("added", "+ added", _VALUE, _added),
        Column("after", "= after", _VALUE, _after),
        Column("", "", _VERDICT, verdict),
    )


_WAS = Column("", "was", _NUMBER, _was)
_NORM = Column("norm", "norm", _NUMBER, norm_text)
_PARAMETER = Column("parameter", "leaf norm", _NUMBER, _parameter_text)
_RATIO = Column("ratio", "ratio", _NUMBER, _ratio_text)
_LARGEST = Column("largest", "largest", _NUMBER, lambda buffer: _figure(largest(buffer)) if buffer.after else _none())
_WORDS = Column("", "", _STATE, lambda buffer: Text(state_words(buffer), style=theme.WARNING))


def shape_column(buffers: Iterable[GradBuffer]) -> Column:
    """Return the column of shapes, as wide as they are."""
    widest = max(map(len, {_shape(buffer) for buffer in buffers}), default=0)
    return Column("shape", "shape", max(widest, len("shape")), lambda buffer: Text(_shape(buffer), style=theme.DIM))


def norm_columns() -> tuple[Column, ...]:
    """Return the columns of norms."""
    return _NORM, _PARAMETER, _RATIO


@dataclass(frozen=True, slots=True)
class Rows:
    """The columns there is room for."""

    columns: tuple[Column, ...]
    signs: int
    """Cells of the signs before a name."""
    name: int
    """Cells of the name."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Cells of each column, that of signs and name first."""
        return (self.signs + self.name, *(column.width for column in self.columns))

    def head(self, sorted_by: str, *, is_reversed: bool) -> list[Text]:
        """Return the titles; the one that the rows are sorted by has an arrow."""
        titles = [("name", " " * self.signs + "buffer"), *((column.key, column.title) for column in self.columns)]
        return [Text(titled(key, title, sorted_by, is_reversed=is_reversed), style=theme.DIM) for key, title in titles]

    def row(self, buffer: GradBuffer) -> Text:
        """Return a row."""
        name = marker(buffer)
        name.pad_right(self.signs - name.cell_len)
        name.append_text(name_text(buffer, self.name - len(".grad")))
        cells = [name, *(column.cell(buffer) for column in self.columns)]
        return line([cut(cell, width) for cell, width in zip(cells, self.widths, strict=True)], self.widths)


def titled(key: str, title: str, sorted_by: str, *, is_reversed: bool) -> str:
    """Return a title, with an arrow where the rows are sorted by its column: down is from the largest on."""
    if not key or key != sorted_by:
        return title
    return f"{title} {'↑' if is_reversed != (key == 'name') else '↓'}"


def fitting(buffers: Sequence[GradBuffer], width: int, sorted_by: str = "") -> Rows:
    """Return the columns there is room for beside the longest name: what is sorted by, then the most useful."""
    longest = max((len(buffer.name) for buffer in buffers), default=0)
    wanted = min(longest, NAME_LIMIT) + len(".grad")
    shape, values = shape_column(buffers), _values()
    was = (_WAS,) if any(buffer.is_current and buffer.before is not None for buffer in buffers) else ()
    groups = ((_NORM,), was, (_RATIO,), (shape,), (_PARAMETER,), (_LARGEST,), values, (_WORDS,))
    signs = _SIGNS + any(buffer.is_stale for buffer in buffers)
    room, chosen = width - signs, list[Column]()
    for group in sorted(filter(None, groups), key=lambda group: all(column.key != sorted_by for column in group)):
        least = min(wanted, _LEAST_NAME) if len(chosen) < len(norm_columns()) else wanted
        size = sum(column.width + _GAP for column in group)
        if room - size < least:
            break
        room -= size
        chosen += group
    order = (shape, *values, _WAS, _NORM, _LARGEST, _PARAMETER, _RATIO, _WORDS)
    if values[0] in chosen and _WAS in chosen:  # there it stands among the values
        chosen.remove(_WAS)
        room += _WAS.width + _GAP
    return Rows(tuple(column for column in order if column in chosen), signs, max(min(room, wanted), 6))
