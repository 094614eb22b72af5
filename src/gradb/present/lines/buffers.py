"""One .grad buffer in words and lines: its name, before + added = after, and that it is stale."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.gradbuffer import GradBuffer
from gradb.present.draw import theme
from gradb.present.draw.fields import cut, wrapped
from gradb.present.draw.numbers import inline
from gradb.present.draw.safe import plain_path

STALE = "!"
"""The sign of a gradient that is from an earlier iteration."""
NOT_ADDED = ("cleared", "changed")
"""How the words of what happened to a buffer begin where nothing was added to it."""
NAME_LIMIT = 40
"""Characters of a name that are shown at most."""
_MAX_STALE = 3  # lines about stale buffers


def name_text(buffer: GradBuffer, limit: int = NAME_LIMIT) -> Text:
    """Return ``a.grad``, the variable's name standing out."""
    name = plain_path(buffer.name, limit)
    style = theme.NAME if buffer.is_current else ""
    return Text(no_wrap=True).append(name, style).append(".grad", theme.DIM)


def marker(buffer: GradBuffer) -> Text:
    """Return the signs before a buffer: what the event is about, and what is stale."""
    sign = Text(no_wrap=True).append("▶" if buffer.is_current else " ", theme.CURRENT)
    return sign.append(STALE, theme.WARNING) if buffer.is_stale else sign


def verdict(buffer: GradBuffer) -> Text:
    """Return the sign of the check of an accumulation; nothing where there is none."""
    if not buffer.is_current or buffer.check is None:
        return Text("")
    return Text("✓", style=theme.OK) if buffer.check.is_ok else Text("✗", style=theme.WARNING)


def before_text(buffer: GradBuffer, width: int) -> Text:
    """Return what an accumulation found; stale gradients have their sign."""
    if not buffer.is_stale:
        return inline(buffer.before, width)
    return (
        Text(no_wrap=True)
        .append(f"{STALE} ", theme.WARNING)
        .append_text(inline(buffer.before, max(width - 2, 1), theme.WARNING))
    )


def accumulation_lines(buffer: GradBuffer, width: int) -> list[Text]:
    """Return ``a.grad  None + [28 36] = [28 36]`` where it fits, else the parts one a line."""
    if not buffer.how.startswith(NOT_ADDED):
        line = name_text(buffer).append("  ").append_text(before_text(buffer, width))
        line.append(" + ").append_text(inline(buffer.added, width, theme.UPSTREAM))
        line.append(" = ").append_text(inline(buffer.after, width, theme.DOWNSTREAM))
        if line.cell_len <= width:
            return [line]
    return [name_text(buffer), *part_lines(buffer, width)]


def change_line(buffer: GradBuffer, width: int) -> Text | None:
    """Return ``was [2 3]  now [1 1.5]`` where something other than an accumulation has changed it and that fits."""
    if not buffer.how.startswith(NOT_ADDED):
        return None
    line = Text(no_wrap=True).append("was ", theme.DIM).append_text(inline(buffer.before, width))
    line.append("  now ", theme.DIM).append_text(inline(buffer.after, width, theme.DOWNSTREAM))
    return line if line.cell_len <= width else None


def part_lines(buffer: GradBuffer, width: int) -> list[Text]:
    """Return before, + added and = after, one a line."""
    size = width - len("  = after ")
    if buffer.how.startswith(NOT_ADDED):
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


def stale_words(buffer: GradBuffer) -> str:
    """Return ``! stale: 3 backward calls since it was empty``; nothing where the buffer is not stale.

    At an accumulation that is said of what the buffer held before.
    """
    if not buffer.is_stale:
        return ""
    if buffer.fills < 0:
        return f"{STALE} stale: holds gradients of backward calls that were not recorded"
    is_adding = _is_adding(buffer)
    count = buffer.fills - is_adding
    calls = counted(count, "earlier backward call" if is_adding else "backward call")
    whose = "before is stale" if is_adding else "stale"
    since = "and it was never cleared" if buffer.is_never_cleared else "since it was empty"
    return f"{STALE} {whose}: {calls} {since}, the first in iteration {buffer.since}"


def _is_adding(buffer: GradBuffer) -> bool:
    """Tell whether the event at the position added to the buffer."""
    return buffer.is_current and buffer.how == "accumulated"


def stale_lines(grads: Sequence[GradBuffer], width: int) -> list[Text]:
    """Return the words about stale buffers, those with the same words together."""
    groups: dict[str, list[str]] = {}
    for buffer in grads:
        if buffer.is_stale:
            groups.setdefault(stale_words(buffer), []).append(plain_path(buffer.name, NAME_LIMIT))
    result = []
    for words, names in groups.items():
        shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
        result += wrapped(f"{words} ({shown})" if len(grads) > 1 else words, width, theme.WARNING)
    if len(result) > _MAX_STALE:
        return [*result[: _MAX_STALE - 1], cut(Text.assemble(result[_MAX_STALE - 1], " …"), width)]
    return result
