"""What a script that teaches says that one will learn. It loads nothing: the picker shows it for each lesson."""

from __future__ import annotations

import re

_LEARNS = re.compile(r"^[ \t]*Lesson:[ \t]*(.*(?:\n[ \t]*\S.*)*)$", re.MULTILINE)
"""Up to the next empty line."""


def learns(docstring: str) -> str | None:
    """Return what a docstring says that one will learn; None where it does not say so."""
    found = _LEARNS.search(docstring)
    return None if found is None else " ".join(found[1].split())
