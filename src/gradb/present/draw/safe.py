r"""Text from a tape made harmless: every string that a script or a stranger's tape supplied is shown as characters.

Escape sequences, control characters, direction marks and other invisible characters become visible escapes such as
``\x1b``. The map is character by character, so a prefix of the text becomes a prefix of the result. Markup needs no
care here: the panes build ``rich.text.Text`` objects and never parse markup.
"""

from __future__ import annotations

import unicodedata

TAB = "    "
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def plain(text: str, limit: int | None = None) -> str:
    """Return ``text`` on one line with everything invisible or active spelled out, cut to ``limit`` characters."""
    is_long = limit is not None and len(text) > limit
    if is_long:
        text = text[:limit]
    if not text.isprintable():
        text = "".join(map(_visible, text))
    return text + "…" if is_long else text


def plain_path(path: str, limit: int) -> str:
    """Return a dotted path made plain, cut in its middle to ``limit`` characters: its end is what tells it apart.

    Its first part stays too (``model.…self.query.weight``), unless the number of a layer would be cut for that.
    """
    if len(path) <= limit:
        return plain(path)
    head = path.partition(".")[0] + ".…"
    if len(head) * 3 > limit:
        return plain("…" + _end(path, limit - 1))
    alone, beside = _end(path, limit - 1), _end(path, limit - len(head))
    return plain(head + beside if _has_number(beside) or not _has_number(alone) else "…" + alone)


def _end(path: str, room: int) -> str:
    """Return the last whole parts of a path that fit, or of its only part what fits."""
    end = path[-room:]
    is_whole = path[-room - 1] == "."
    return end if is_whole else end.partition(".")[2] or end


def _has_number(path: str) -> bool:
    return any(part.isdecimal() for part in path.split("."))


def plain_lines(text: str) -> list[str]:
    """Split ``text`` at its line ends and return each line made plain."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [plain(line) for line in lines]


def _visible(char: str) -> str:
    if char == "\t":
        return TAB
    if unicodedata.category(char) not in _UNSAFE:
        return char
    return {"\n": "\\n", "\r": "\\r"}.get(char) or char.encode("unicode_escape", "backslashreplace").decode()
