"""How the app looks when it begins: what the user has chosen, and what was not understood of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradb.tui.themes import DARK

if TYPE_CHECKING:
    from gradb.tui.arranging import Memory


@dataclass(frozen=True, slots=True)
class Looks:
    """What the user has chosen before the app begins."""

    theme: str = DARK.name
    """``dark``, ``light`` or ``contrast``."""
    memory: Memory | None = None
    """Remembers where the panes are; None: nothing does."""
    complaint: str = ""
    """What was chosen and cannot be used, to be said at the start."""
    is_ascii: bool = False
    """The screen has no sign beyond ASCII."""


PLAIN = Looks()
"""Nothing is chosen."""
