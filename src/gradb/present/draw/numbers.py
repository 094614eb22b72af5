"""Tensors as text: vectors, aligned matrices, statistics.

What is left out is marked by ``…``; NaN and infinities stand out.

How a single number is written is decided in ``gradb.algebra.figures``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from gradb.algebra.figures import number
from gradb.frame.sizes import two_norm
from gradb.present.draw import theme
from gradb.present.draw.safe import plain
from gradb.tape.values import Nonfinite, Number, TensorValue

_SHAPELESS = "a tensor of shape"
"""How the note on a value begins that has no shape of plain sizes, as a nested tensor: the note tells it."""


def is_odd(text: str) -> bool:
    """Tell whether a number's text is a NaN or an infinity."""
    return "nan" in text or "inf" in text


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as text: ``[2 × 3]``, ``[4]``, ``scalar``."""
    return "[" + " × ".join(map(str, shape)) + "]" if shape else "scalar"


def element(index: int, shape: Sequence[int]) -> str:
    """Return a flat index as the index of an element: ``[0,1]``; empty for a scalar."""
    found: list[int] = []
    for size in reversed(shape):
        found.append(index % size)
        index //= size
    return f"[{','.join(map(str, reversed(found)))}]" if found else ""


def nonfinite_text(found: Nonfinite, shape: Sequence[int]) -> Text:
    """Return how much of a tensor is not finite, and where the first is: ``256 × nan, the first at [0,4]``.

    Of several kinds it is not kept which is the first: it is the first of them all.
    """
    counts = ((found.nan, "nan"), (found.posinf, "inf"), (found.neginf, "-inf"))
    words = ", ".join(f"{count:,} × {name}" for count, name in counts if count)
    which = "the first of them" if sum(count > 0 for count, _ in counts) > 1 else "the first"
    first = "" if found.first is None or not shape else f", {which} at {element(found.first, shape)}"
    return Text(f"{words}{first}", style=theme.NONFINITE)


def vector(texts: Sequence[str], width: int, style: str = "") -> Text:
    """Return ``[14 18 22 26]``, cut in the middle by ``…`` where it is wider than ``width``."""
    line = Text("[", style=style, no_wrap=True)
    for index, item in enumerate(_fit(texts, max(width - 2, 1))):
        line.append((" " if index else "") + "")
        line.append(item, theme.NONFINITE if is_odd(item) else None)
    return line.append("]")


def _fit(texts: Sequence[str], room: int) -> list[str]:
    """Keep as many from both ends as fit, at least the first one."""
    if sum(map(len, texts[: room + 1])) + min(len(texts), room + 1) - 1 <= room:
        return list(texts)
    head, tail = [texts[0]], list[str]()
    used = len(texts[0]) + 2
    for step in range(1, len(texts)):
        is_tail = step % 3 == 1  # two from the front for one from the back
        item = texts[-len(tail) - 1] if is_tail else texts[len(head)]
        used += len(item) + 1
        if used > room:
            break
        (tail if is_tail else head).append(item)
    return [*head, "…", *reversed(tail)]


def lines(value: TensorValue | None, width: int, rows: int = 8, style: str = "") -> list[Text]:
    """Return a tensor as lines of about ``width`` cells and at most ``rows`` rows and a note about what was cut."""
    if value is None:
        return [Text("None", style=style)]
    numbers = value.numbers()
    if numbers is None:
        return _summary(value, width, style)
    drawn = numbers_lines([number(n, value.dtype) for n in numbers], value.shape, width, rows, style)
    if any("…" in line.plain for line in drawn) and (odd := value.nonfinite()) is not None:
        drawn.append(nonfinite_text(odd, value.shape))
    return [*drawn, Text(f"({plain(value.note, 80)})", style=theme.DIM)] if value.note else drawn


def numbers_lines(texts: Sequence[str], shape: Sequence[int], width: int, rows: int = 8, style: str = "") -> list[Text]:
    """Lay out the texts of a tensor's elements (row-major) by its shape."""
    if not texts:
        return [Text(f"[] (empty, shape {'×'.join(map(str, shape))})", style=style)]
    if not shape:
        return [Text(texts[0], style=theme.NONFINITE if is_odd(texts[0]) else style)]
    if len(shape) == 1:
        return _one_row(texts, width, style)
    return _matrix(texts, shape, width, rows, style)


def _one_row(texts: Sequence[str], width: int, style: str) -> list[Text]:
    line = vector(texts, width, style)
    if "…" not in line.plain:
        return [line]
    return [line, Text(f"({len(texts)} elements)", style=theme.DIM)]


def _matrix(texts: Sequence[str], shape: Sequence[int], width: int, rows: int, style: str) -> list[Text]:
    columns = shape[-1]
    count = len(texts) // columns
    shown = list(range(count)) if count <= rows else [*range(rows - 1), count - 1]
    cells = {row: texts[row * columns : (row + 1) * columns] for row in shown}
    kept = _kept_columns([[len(c[i]) for c in cells.values()] for i in range(columns)], width - 4)
    result: list[Text] = []
    for position, row in enumerate(shown):
        if position and row != shown[position - 1] + 1:
            result.append(Text(" …", style=style))
        opening, closing = _brackets(row, count, shape)
        result.append(_row(cells[row], kept, opening, closing, style))
    if len(shown) < count or None in dict(kept):
        result.append(Text(f"({'×'.join(map(str, shape))} elements)", style=theme.DIM))
    return result


def _brackets(row: int, count: int, shape: Sequence[int]) -> tuple[str, str]:
    """Return the opening and closing brackets of a row: one for each level that begins or ends there."""
    begins = ends = 1
    size = 1
    for length in reversed(shape[:-1]):
        size *= length
        begins += row % size == 0
        ends += (row + 1) % size == 0
    return " " * (len(shape) - begins) + "[" * begins, "]" * ends


def _kept_columns(widths: list[list[int]], room: int) -> list[tuple[int | None, int]]:
    """Return (column or None for a cut, cell width) of the columns that fit."""
    sizes = [max(column) for column in widths]
    if sum(sizes) + len(sizes) - 1 <= room:
        return list(enumerate(sizes))
    kept: list[tuple[int | None, int]] = []
    used = sizes[-1] + 3
    for index, size in enumerate(sizes[:-1]):
        used += size + 1
        if used > room and kept:
            break
        kept.append((index, size))
    return [*kept, (None, 1), (len(sizes) - 1, sizes[-1])]


def _row(cells: Sequence[str], kept: list[tuple[int | None, int]], opening: str, closing: str, style: str) -> Text:
    line = Text(opening, style=style, no_wrap=True)
    for position, (column, size) in enumerate(kept):
        item = "…" if column is None else cells[column]
        line.append(" " * (size - len(item) + (position > 0)))
        line.append(item, theme.NONFINITE if is_odd(item) else None)
    return line.append(closing)


def _is_shapeless(value: TensorValue) -> bool:
    return not value.shape and value.note.startswith(_SHAPELESS)


def form_text(value: TensorValue) -> str:
    """Return shape and dtype as text: ``[2 × 3] float32``; of what has no shape of plain sizes that it is nested."""
    dtype = plain(value.dtype)
    if _is_shapeless(value):
        return f"nested {dtype}" if value.note.endswith("it is nested") else dtype
    return f"{shape_text(value.shape)} {dtype}"


def _summary(value: TensorValue, width: int, style: str) -> list[Text]:
    head = plain(value.dtype) if _is_shapeless(value) else f"{shape_text(value.shape)} {plain(value.dtype)}"
    if value.stats is None:
        note = plain(value.note, 80) or "value not recorded"
        return [Text(f"{head}, {note}", style=style)]
    return [Text(head, style=style), *stats_lines(value, width, style)]


def stats_lines(value: TensorValue, width: int, style: str = "") -> list[Text]:
    """Return the statistics of a large tensor as lines; none where there are none."""
    stats = value.stats
    if stats is None:
        return []
    result = [Text(style=style, no_wrap=True)]
    for part in _stats_parts(value, style):
        if result[-1].plain and result[-1].cell_len + 1 + part.cell_len > width:
            result.append(Text(style=style, no_wrap=True))
        result[-1].append(" " if result[-1].plain else "").append_text(part)
    if (odd := value.nonfinite()) is not None:
        result.append(nonfinite_text(odd, value.shape))
    if stats.corner:
        texts = [number(item, value.dtype) for item in stats.corner]
        result.append(Text("first ", style=style).append_text(_open_vector(texts, width - 6)))
    return result


def _stats_parts(value: TensorValue, style: str) -> list[Text]:
    """Return ``min -0.01668``, ``max``, ``mean`` and the 2-norm as ``norm``, as far as they are known."""
    stats = value.stats
    known = [] if stats is None else [("min", stats.minimum), ("max", stats.maximum), ("mean", stats.mean)]
    if value.is_finite:  # else the counts of what is not tell more
        known.append(("norm", two_norm(value)))
    # a mean is computed in the tensor's dtype at best: judge all by it
    texts = [(name, number(item, value.dtype)) for name, item in known if item is not None]
    return [
        Text(f"{name} ", style=style).append(text, theme.NONFINITE if is_odd(text) else None) for name, text in texts
    ]


def _open_vector(texts: Sequence[str], width: int) -> Text:
    line, used = Text("[", no_wrap=True), 3
    for item in texts:
        used += len(item) + 1
        if used > width:
            break
        line.append(item, theme.NONFINITE if is_odd(item) else None).append(" ")
    return line.append("…]")


def inline(value: TensorValue | None, width: int, style: str = "") -> Text:
    """Return a tensor on one line: its numbers where they fit, else its shape and what there is room for."""
    if value is None:
        return Text("None", style=style)
    numbers = value.numbers()
    if numbers is not None:
        return inline_numbers(numbers, value.shape, value.dtype, width, style)
    head = Text("" if _is_shapeless(value) else f"{shape_text(value.shape)} ", style=style)
    if value.stats is None:
        return head.append(plain(value.note, 60) or "value not recorded")
    parts, odd = _stats_parts(value, style), value.nonfinite()
    after = Text() if odd is None else Text(", ").append_text(nonfinite_text(odd, value.shape))
    for told in (parts, parts[:3]):
        whole = head.copy().append_text(Text(" ").join(told)).append_text(after)
        if whole.cell_len <= width:
            return whole
    shorter = span_text(value, style).append_text(after)
    beside = head.append_text(shorter)
    return beside if beside.cell_len <= width else shorter


def span_text(value: TensorValue, style: str = "") -> Text:
    """Return from what to what the finite elements of a large value go: ``-0.01668 … 0.01210``."""
    stats = value.stats
    ends = () if stats is None else (stats.minimum, stats.maximum)
    return Text(" … ".join(number(end, value.dtype) for end in ends if end is not None), style=style, no_wrap=True)


def inline_numbers(numbers: Sequence[Number], shape: Sequence[int], dtype: str, width: int, style: str = "") -> Text:
    """Return numbers with a shape on one line, where they fit; else the shape, and from what to what they go."""
    if len(shape) > 1 and len(numbers) > width:
        return _range(numbers, shape, dtype, style)
    texts = [number(n, dtype) for n in numbers]
    if len(shape) < 2 or not texts:
        return numbers_lines(texts, shape, width, style=style)[0]
    rows = numbers_lines(texts, shape, width, len(texts), style)
    if any("…" in row.plain for row in rows) or len(rows) * 2 > width:
        return _range(numbers, shape, dtype, style)
    joined = Text(" ".join(" ".join(row.plain.split()) for row in rows), style=style)
    return joined if joined.cell_len <= width else _range(numbers, shape, dtype, style)


def _range(numbers: Sequence[Number], shape: Sequence[int], dtype: str, style: str) -> Text:
    finite = [n for n in numbers if not isinstance(n, complex) and math.isfinite(n)]
    odd = sum(1 for n in numbers if is_odd(number(n)))
    line = Text()
    if finite:
        line.append(f"{number(min(finite), dtype)} … {number(max(finite), dtype)}")
    if odd:
        line.append(" " if finite else "").append(f"{odd} not finite", theme.NONFINITE)
    return Text(f"{shape_text(shape)} ", style=style).append_text(line)
