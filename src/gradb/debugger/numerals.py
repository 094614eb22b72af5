"""Reads whole numbers as people type them: plain digits, and never more of them than a number here can need."""

from __future__ import annotations

MOST = 10**15 - 1
"""No event, iteration or count is larger."""
_MOST_DIGITS = 20


def read_whole(text: str, least: int = 0, most: int = MOST) -> int | None:
    """Return the whole number that a text is, if it is one from ``least`` to ``most``; else None."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        return None
    number = int(text)
    return number if least <= number <= most else None
