"""The .grad pane: every leaf's gradient buffer, and what the current event did to it: before + added = after.

A buffer that still holds the gradient of an earlier iteration while a backward goes on is stale: it has a sign, and
below the buffers there are words.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.frame import Frame, GradBuffer
from gradb.present.draw import theme
from gradb.present.draw.fields import cut, remark, wrapped
from gradb.present.draw.numbers import inline
from gradb.present.draw.safe import plain_path
from gradb.present.draw.table import columns
from gradb.present.json.values import Json, check_json, value_json
from gradb.present.options import Options

_TABLE_WIDTH = 60  # narrower than this each buffer takes lines of its own
_NAME_LIMIT = 40
_BESIDE_NAME = len(".grad") + 13 + len("! [34.13 …]") + 2 * len("[34.13 …]")
"""Columns that a row of the table takes at least beside the name: three values, and signs with their gaps."""
_STALE = "!"
_TITLES = ("", "buffer", "before", "+ added", "= after", "")
_NOT_ADDED = ("cleared", "changed")
"""How the words of what happened to a buffer begin where nothing was added to it."""
_MAX_STALE = 3  # lines about stale buffers


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the table of buffers; the one touched by the current event is marked ``▶``."""
    if not frame.grads:
        return remark("no leaf requires grad yet, so there is no .grad to fill", options.width)
    listed = listed_buffers(frame.grads)
    words = [*_stale_lines(listed, options.width), *_folded_lines(frame.grads, options.width)]
    room = None if options.height is None else max(options.height - 1 - len(words), 1)
    shown, hidden = _shown(listed, room)
    if not shown:
        return Group(*words)
    body: RenderableType = _table(shown, options) if options.width >= _TABLE_WIDTH else _stack(shown, options)
    more = [Text(f"… and {hidden} more buffers", style=theme.DIM)] if hidden else []
    return Group(body, *more, *words)


def listed_buffers(grads: tuple[GradBuffer, ...]) -> tuple[GradBuffer, ...]:
    """Return the buffers that have a row: not those of leaves that are gone, nor of parameters that are frozen."""
    return tuple(buffer for buffer in grads if not _is_folded(buffer))


def _is_folded(buffer: GradBuffer) -> bool:
    return (buffer.is_gone or buffer.is_frozen) and not buffer.is_current


def _folded_lines(grads: tuple[GradBuffer, ...], width: int) -> list[Text]:
    """Return one line that counts the buffers without a row."""
    folded = [buffer for buffer in grads if _is_folded(buffer)]
    gone = sum(buffer.is_gone for buffer in folded)
    frozen = len(folded) - gone
    parts = [f"{count:,} {what}" for count, what in ((gone, "gone"), (frozen, "frozen")) if count]
    return wrapped(f"not listed: {', '.join(parts)}", width, theme.DIM) if parts else []


# --- stale gradients --------------------------------------------------------------------------------------------------


def stale_words(buffer: GradBuffer) -> str:
    """Return ``! stale: 3 backward calls since it was empty``; nothing where the buffer is not stale.

    At an accumulation that is said of what the buffer held before.
    """
    if not buffer.is_stale:
        return ""
    if buffer.fills < 0:
        return f"{_STALE} stale: holds gradients of backward calls that were not recorded"
    is_adding = _is_adding(buffer)
    count = buffer.fills - is_adding
    calls = counted(count, "earlier backward call" if is_adding else "backward call")
    whose = "before is stale" if is_adding else "stale"
    since = "and it was never cleared" if buffer.is_never_cleared else "since it was empty"
    return f"{_STALE} {whose}: {calls} {since}, the first in iteration {buffer.since}"


def _is_adding(buffer: GradBuffer) -> bool:
    """Tell whether the event at the position added to the buffer."""
    return buffer.is_current and buffer.how == "accumulated"


def _stale_lines(grads: tuple[GradBuffer, ...], width: int) -> list[Text]:
    """Return the words about stale buffers, those with the same words together."""
    groups: dict[str, list[str]] = {}
    for buffer in grads:
        if buffer.is_stale:
            groups.setdefault(stale_words(buffer), []).append(plain_path(buffer.name, _NAME_LIMIT))
    result = []
    for words, names in groups.items():
        shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
        result += wrapped(f"{words} ({shown})" if len(grads) > 1 else words, width, theme.WARNING)
    if len(result) > _MAX_STALE:
        return [*result[: _MAX_STALE - 1], cut(Text.assemble(result[_MAX_STALE - 1], " …"), width)]
    return result


# --- the table --------------------------------------------------------------------------------------------------------


def _shown(grads: tuple[GradBuffer, ...], room: int | None) -> tuple[list[GradBuffer], int]:
    """Return the buffers that fit, around the current one, and how many do not."""
    if room is None or len(grads) <= room:
        return list(grads), 0
    current = next((i for i, buffer in enumerate(grads) if buffer.is_current), 0)
    room = max(room - 1, 1)
    first = min(max(current - room // 2, 0), len(grads) - room)
    return list(grads[first : first + room]), len(grads) - room


def name_text(buffer: GradBuffer, limit: int = _NAME_LIMIT) -> Text:
    """Return ``a.grad``, the variable's name standing out."""
    name = plain_path(buffer.name, limit)
    style = theme.NAME if buffer.is_current else ""
    return Text(no_wrap=True).append(name, style).append(".grad", theme.DIM)


def _table(grads: list[GradBuffer], options: Options) -> RenderableType:
    """Return the rows in columns; by hand, since of all that a key draws a table of rich's takes the longest."""
    limit = min(_NAME_LIMIT, options.width - _BESIDE_NAME)
    names = [name_text(buffer, limit) for buffer in grads]
    whole = [_cells(buffer, options.width) for buffer in grads]
    natural = [max(cell.cell_len for cell in column) for column in zip(*whole, strict=True)]
    widths = share(natural, options.width - max(name.cell_len for name in names) - 15)
    rows = [[Text(title, style=theme.DIM) for title in _TITLES]]
    for buffer, name, cells in zip(grads, names, whole, strict=True):
        fits = all(cell.cell_len < width for cell, width in zip(cells, widths, strict=True))
        rows.append([_marker(buffer), name, *(cells if fits else _cells(buffer, *widths)), _verdict(buffer)])
    return columns(rows, options.width)


def share(natural: list[int], room: int) -> list[int]:
    """Give each column what it needs where there is room for all, else cut the widest down to a fair share."""
    widths = list(natural)
    while sum(widths) > max(room, 8 * len(widths)):
        widths[widths.index(max(widths))] -= 1
    return [max(width, 8) for width in widths]


def _cells(buffer: GradBuffer, before: int, added: int = 0, after: int = 0) -> tuple[Text, Text, Text]:
    """Return before, added and after, cut to widths (``before`` for all where no others are given)."""
    added, after = added or before, after or before
    left, middle = Text(""), Text("")
    if buffer.is_current and buffer.how.startswith(_NOT_ADDED):
        left, middle = inline(buffer.before, before), Text(buffer.how.partition(" ")[0], style=theme.WARNING)
    elif buffer.is_current:
        left, middle = before_text(buffer, before), inline(buffer.added, added, theme.UPSTREAM)
    return left, middle, inline(buffer.after, after, theme.DOWNSTREAM if buffer.is_current else "")


def before_text(buffer: GradBuffer, width: int) -> Text:
    """Return what an accumulation found; stale gradients have their sign."""
    if not buffer.is_stale:
        return inline(buffer.before, width)
    return (
        Text(no_wrap=True)
        .append(f"{_STALE} ", theme.WARNING)
        .append_text(inline(buffer.before, max(width - 2, 1), theme.WARNING))
    )


def _marker(buffer: GradBuffer) -> Text:
    marker = Text(no_wrap=True).append("▶" if buffer.is_current else " ", theme.CURRENT)
    return marker.append(_STALE, theme.WARNING) if buffer.is_stale else marker


def _verdict(buffer: GradBuffer) -> Text:
    if not buffer.is_current or buffer.check is None:
        return Text("")
    return Text("✓", style=theme.OK) if buffer.check.is_ok else Text("✗", style=theme.WARNING)


def _stack(grads: list[GradBuffer], options: Options) -> Group:
    rows: list[Text] = []
    for buffer in grads:
        head = _marker(buffer).append(" ").append_text(name_text(buffer))
        if buffer.is_current:
            rows.append(head.append("  ").append_text(_verdict(buffer)))
            rows.extend(part_lines(buffer, options.width - 4))
        else:
            head.append("  ").append_text(inline(buffer.after, options.width - head.cell_len - 2))
            rows.append(head)
    return Group(*rows)


def accumulation_lines(buffer: GradBuffer, width: int) -> list[Text]:
    """Return ``a.grad  None + [28 36] = [28 36]`` where it fits, else the parts one a line."""
    if not buffer.how.startswith(_NOT_ADDED):
        line = name_text(buffer).append("  ").append_text(before_text(buffer, width))
        line.append(" + ").append_text(inline(buffer.added, width, theme.UPSTREAM))
        line.append(" = ").append_text(inline(buffer.after, width, theme.DOWNSTREAM))
        if line.cell_len <= width:
            return [line]
    return [name_text(buffer), *part_lines(buffer, width)]


def part_lines(buffer: GradBuffer, width: int) -> list[Text]:
    """Return before, + added and = after, one a line."""
    size = width - len("  = after ")
    if buffer.how.startswith(_NOT_ADDED):
        parts = [
            ("  was     ", inline(buffer.before, size)),
            ("  now     ", inline(buffer.after, size, theme.DOWNSTREAM)),
        ]
    else:
        parts = [
            ("  before  ", before_text(buffer, size)),
            ("  + added ", inline(buffer.added, size, theme.UPSTREAM)),
            ("  = after ", inline(buffer.after, size, theme.DOWNSTREAM)),
        ]
    return [Text(no_wrap=True).append(label, theme.DIM).append_text(value) for label, value in parts]


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the buffer of each leaf, also of those without a row in the pane."""
    return {"grads": [_buffer_json(buffer) for buffer in frame.grads]}


def _buffer_json(buffer: GradBuffer) -> Json:
    values = {key: value_json(getattr(buffer, key)) for key in ("before", "added", "after")}
    return {
        "name": buffer.name,
        "leaf": value_json(buffer.leaf),
        **values,
        "event": buffer.event,
        "current": buffer.is_current,
        "how": buffer.how or None,
        "fills": None if buffer.fills < 0 else buffer.fills,
        "since": buffer.since or None,
        "stale": buffer.is_stale,
        "never_cleared": buffer.is_never_cleared,
        "gone": buffer.is_gone,
        "frozen": buffer.is_frozen,
        "check": check_json(buffer.check),
    }
