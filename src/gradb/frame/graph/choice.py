"""Which folds of the graph somebody has opened and closed, by the names of modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody has opened and closed."""

    mode: Literal["auto", "all", "none"] = "auto"
    """``all``: everything is closed that is not opened by name; ``none``: there are no folds."""
    opened: frozenset[str] = frozenset()
    """Names of folds that are open."""
    closed: frozenset[str] = frozenset()
    """Names of folds that are closed, whatever they hold."""

    def turned(self, name: str, *, is_open: bool) -> Choice:
        """Return the choice with a fold opened or closed."""
        one = frozenset({name})
        return Choice(
            "auto" if self.mode == "none" else self.mode,
            self.opened | one if is_open else self.opened - one,
            self.closed - one if is_open else self.closed | one,
        )


AT_FIRST = Choice()
"""Nobody has opened or closed anything."""
