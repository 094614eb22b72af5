"""Text that is cut to a length, and says so."""

from __future__ import annotations

from collections.abc import Iterable


def shortened(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters, ended by ``…`` where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def first_line(text: str, limit: int) -> str:
    """Return the first line of a message, ended by ``…`` where it goes on."""
    line, _, rest = text.strip().partition("\n")
    return shortened(f"{line.rstrip()} …" if rest.strip() else line, limit)


def listed(names: Iterable[str], limit: int) -> str:
    """Return ``a, b, c``, ended by ``, …`` where there are more than ``limit``."""
    found = list(names)
    return ", ".join(found[:limit]) + (", …" if len(found) > limit else "")
