"""What an expression comes to, as text: on one line, or on several with what is to be said of a large value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from gradb.algebra.figures import number, whole
from gradb.frame.displayed import Found
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, cut, indented, wrapped
from gradb.present.draw.numbers import inline, inline_numbers, lines, numbers_lines, shape_text, stats_lines
from gradb.present.draw.safe import plain
from gradb.tape.expressions.equality import show
from gradb.tape.expressions.functions import norm
from gradb.tape.expressions.operands import EventView, Numbers, OnsetView, Operand, Unkept
from gradb.tape.values import Number, Stats, TensorValue

_MOST_TEXT = 400
_MOST_ITEMS = 50


def operand_line(value: Operand, width: int, style: str = "") -> Text:
    """Return an operand on one line of about ``width`` cells: its numbers where they fit, else a summary."""
    if isinstance(value, Numbers):
        if not value.shape:
            return _single(value.numbers[0], value.dtype, style)
        return inline_numbers(value.numbers, value.shape, value.dtype, width, style)
    if isinstance(value, Unkept):
        return inline(kept_of(value), width, style)
    if isinstance(value, list):
        return _list(value, width, style)
    if isinstance(value, EventView):
        event = value.event
        return Text(f"event {value.called or event.seq}: {event.kind} {plain(event.name, _MOST_TEXT)}", style=style)
    if isinstance(value, OnsetView):
        return Text(plain(str(value), _MOST_TEXT), style=style)
    if isinstance(value, int | float | complex) and not isinstance(value, bool):
        return _single(value, "float64", style)
    return Text(plain(show(value), _MOST_TEXT), style=style)


def _single(value: Number, dtype: str, style: str) -> Text:
    is_finite = isinstance(value, complex) or math.isfinite(value)
    return Text(whole(value, dtype), style=style if is_finite else theme.NONFINITE)


def _list(value: list[Operand], width: int, style: str) -> Text:
    line = Text("[", style=style, no_wrap=True)
    for index, item in enumerate(value[:_MOST_ITEMS]):
        line.append(", " if index else "").append_text(operand_line(item, width, style))
    return cut(line.append(", …]" if len(value) > _MOST_ITEMS else "]"), width)


def kept_of(value: Unkept) -> TensorValue:
    """Return what was recorded of a value that was not kept whole."""
    return TensorValue(value.shape, value.dtype, None, value.stats, value.why)


def found_line(found: Found, width: int, style: str = "") -> Text:
    """Return what an expression comes to on one line, or why it comes to nothing."""
    return Text(plain(found.why, _MOST_TEXT), style=theme.DIM) if found.why else operand_line(found.value, width, style)


def kind_text(value: Operand) -> str:
    """Return shape and dtype of a tensor's value: ``[4] float32``; empty for anything else, and for single numbers."""
    if not isinstance(value, Numbers | Unkept) or not value.shape:
        return ""
    return f"{shape_text(value.shape)} {plain(value.dtype)}".rstrip()


def printed_line(text: str, found: Found, width: int) -> Text:
    """Return ``a = [1 2 3 4]  [4] float32`` on one line."""
    head = Text(f"{plain(text, _MOST_TEXT)} = " if not found.why else "")
    kind = kind_text(found.value) if isinstance(found.value, Numbers) else ""
    line = head.append_text(found_line(found, max(width - head.cell_len - len(kind) - 2, 8)))
    return line.append(f"  {kind}", theme.DIM) if kind and shape_text(found.value.shape) not in line.plain else line


def printed_lines(text: str, found: Found, width: int) -> list[Text]:
    """Return the same; what does not fit on a line goes below it, and of what is cut the extremes are told."""
    if found.why:
        return wrapped(found.why, width, theme.DIM)
    value = found.value
    if not isinstance(value, Numbers | Unkept) or not value.shape:
        return wrapped(printed_line(text, found, 10**6).plain, width, "")
    head = Text(plain(text, _MOST_TEXT)).append(f"  {kind_text(value)}", theme.DIM)
    body = _value_lines(value, width - len(INDENT))
    if len(body) == 1 and "…" not in body[0].plain:
        line = Text(f"{plain(text, _MOST_TEXT)} = ").append_text(body[0]).append(f"  {kind_text(value)}", theme.DIM)
        if line.cell_len <= width:
            return [line]
    return [*wrapped(head.plain, width, ""), *(indented(line, width) for line in body)]


def _value_lines(value: Numbers | Unkept, width: int) -> list[Text]:
    if isinstance(value, Unkept):
        return lines(kept_of(value), width)[1:] or [Text(plain(value.why, _MOST_TEXT))]
    drawn = numbers_lines([number(one, value.dtype) for one in value.numbers], value.shape, width)
    if any("…" in line.plain for line in drawn):
        drawn += _summary(value, width)
    return drawn


def _summary(value: Numbers, width: int) -> list[Text]:
    stats = stats_of(value.numbers)
    if stats is None:
        return []
    return stats_lines(TensorValue(value.shape, value.dtype, None, stats), width)


def stats_of(numbers: Sequence[Number]) -> Stats | None:
    """Return what is told of a large value, of one whose numbers are known; None of complex ones."""
    if not numbers or any(isinstance(one, complex) for one in numbers):
        return None
    reals = [float(one) for one in numbers if not isinstance(one, complex)]
    finite = [one for one in reals if math.isfinite(one)]
    nan, posinf = sum(map(math.isnan, reals)), reals.count(math.inf)
    odd = len(reals) - len(finite)
    mean = sum(reals) / len(reals) if odd else math.fsum(reals) / len(reals)
    first = next((index for index, one in enumerate(reals) if not math.isfinite(one)), None)
    least, most = (min(finite), max(finite)) if finite else (None, None)
    return Stats(least, most, mean, nan, posinf, odd - nan - posinf, (), first, norm(reals))
