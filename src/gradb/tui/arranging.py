"""Which panes are on the screen: one that has the whole body, and which of those that share a place is in front.

It shows and hides the panes of one screen by what `gradb.tui.layout` says; what they draw is no affair of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from textual.geometry import Size

from gradb.debugger.errors import UserError
from gradb.present.panes.table import PANES, sharing
from gradb.tui.layout import brought, is_too_small, visible_panes
from gradb.tui.pane import Pane


class Arranged(Protocol):
    """The screen, as far as the room of the panes is concerned."""

    last_pane: str

    @property
    def panes(self) -> Mapping[str, Pane]:
        """The panes by their names."""

    @property
    def cells(self) -> Size:
        """Columns and lines of the terminal."""

    @property
    def is_typing(self) -> bool:
        """True while the keyboard is at the prompt."""

    def give_keyboard(self, pane: str) -> None:
        """Put the keyboard into a pane."""

    def rearranged(self, *, is_too_small: bool) -> None:
        """Hear that other panes may be seen; ``is_too_small``: the terminal is, for any."""


class Arranging:
    """Arranges the panes of one screen."""

    def __init__(self, screen: Arranged) -> None:
        self._screen = screen
        self.zoomed = ""
        """Name of the pane that has the whole body, or empty."""
        self.fronts = frozenset(sharing(name)[0] for name in PANES)
        """Which of the panes that share a place has it where there is no room for all."""
        self.has_chosen = False
        """The user has chosen between graph and training, or the training has come to the front by itself."""

    def show(self, pane: str) -> None:
        """Bring a pane to the front and put the keyboard there.

        Raises:
            UserError: there is no pane of that name.
        """
        if pane not in PANES:
            raise UserError(f"there is no pane {pane!r}: the panes are {', '.join(PANES)}")
        self.has_chosen = self.has_chosen or PANES[pane].place == "graph"
        self._take(pane if self.zoomed else "", brought(self.fronts, pane))
        self._screen.give_keyboard(pane)

    def bring_to_front(self, name: str) -> None:
        """Show a pane in the place that it shares; the keyboard goes with the place."""
        screen = self._screen
        behind = screen.last_pane in sharing(name)
        self._take(self.zoomed, brought(self.fronts, name))
        if behind and not screen.panes[screen.last_pane].display and not screen.is_typing:
            screen.give_keyboard(name)

    def zoom(self) -> None:
        """Give the whole body to the pane that has the keyboard, or give it back to all."""
        self._take("" if self.zoomed else self._screen.last_pane, self.fronts)

    def arrange(self) -> None:
        """Show the panes for which there is room."""
        width, height = self._screen.cells
        seen = visible_panes(width, height, self.zoomed, self.fronts)
        for name, pane in self._screen.panes.items():
            pane.display = name in seen
        self._screen.rearranged(is_too_small=is_too_small(width, height))

    def _take(self, zoomed: str, fronts: frozenset[str]) -> None:
        """Arrange the panes anew where that is another arrangement."""
        before = self.zoomed, self.fronts
        self.zoomed, self.fronts = zoomed, fronts
        if before != (zoomed, fronts):
            self.arrange()
