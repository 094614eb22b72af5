"""What a pane sets in columns, as sentences: a labelled value becomes a line, a matrix its rows one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradb.present.draw.fields import Field

_ROWS_BESIDE = " "
_ROWS_APART = "; "
_HANG = "  "
"""How a line begins that goes on with a sentence which was folded."""


def sentences(items: Sequence[Field | Text], limit: int) -> list[str]:
    """Return a sentence for each item, with values cut to about ``limit`` characters; what was folded is one again."""
    told: list[str] = []
    for item in items:
        if isinstance(item, Field):
            told.append(_labelled(item, limit))
        elif told and _is_hanging(item.plain):
            told[-1] += f" {even(item.plain)}"
        elif item.plain.strip():
            told.append(even(item.plain))
    return told


def joined(lines: Sequence[Text], limit: int) -> str:
    """Return the lines of a value as one: the rows of a tensor beside each other, all else set apart by semicolons."""
    texts: list[str] = []
    for line in lines:
        if texts and not lines[0].plain.startswith(" ") and _is_hanging(line.plain):
            texts[-1] += f" {even(line.plain)}"
        elif line.plain.strip():
            texts.append(even(line.plain))
    if not texts:
        return ""
    gap = _ROWS_BESIDE if texts[0].startswith("[") and "," not in texts[0] else _ROWS_APART
    text = texts[0]
    for more in texts[1:]:
        if len(text) + len(gap) + len(more) > limit:
            cut = text if text.endswith("…") else f"{text}{gap}…"
            return f"{cut} {texts[-1]}" if texts[-1].startswith("(") else cut
        text += gap + more
    return text


def _is_hanging(text: str) -> bool:
    """Tell whether a line goes on with the sentence of the line before it."""
    return text.startswith(_HANG) and not text.startswith(f"{_HANG} ") and bool(text.strip())


def ended(text: str) -> str:
    """Return a sentence with its full stop, unless it ends with a sign that does as well."""
    return text if text.endswith((".", "!", "?", ":", "…")) else f"{text}."


def even(text: str) -> str:
    """Return text without the blanks by which it was aligned."""
    return " ".join(text.split()).replace("[ ", "[")


def _labelled(item: Field, limit: int) -> str:
    head = " ".join(filter(None, (even(item.label), even(item.symbol))))
    return " ".join(filter(None, (f"{head}: {joined(item.body, limit)}", item.note)))
