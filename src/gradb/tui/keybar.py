"""The last line of the screen: the keys that matter most. A click on one does what the key does.

Textual's own footer builds a widget for every key anew each time the keyboard goes to another pane, which takes longer
than all panes together; this is one line of text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key of the bar."""

    key: str
    """As printed on a keyboard."""
    label: str
    action: str
    """What a click does: an action of the screen."""

    @property
    def width(self) -> int:
        """Cells it takes."""
        return len(self.key) + len(self.label) + 1


class KeyBar(Widget):
    """Keys and short words for what they do; the last two (help and the way out) stay whatever the width."""

    def __init__(self, hints: Iterable[KeyHint]) -> None:
        super().__init__()
        self._hints = tuple(hints)

    def take(self, hints: Iterable[KeyHint]) -> None:
        """Show other keys."""
        if self._hints != (new := tuple(hints)):
            self._hints = new
            self.refresh()

    def render(self) -> Content:
        """Draw the keys that fit."""
        hints = fitting(self._hints, self.content_size.width)
        blank = Content(" " * gap(hints, self.content_size.width))
        drawn = [Content.assemble((hint.key, "bold $footer-key-foreground"), f" {hint.label}") for hint in hints]
        return blank.join(drawn)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        hints = fitting(self._hints, self.content_size.width)
        left = 0
        for hint in hints:
            if left <= offset.x < left + hint.width:
                await self.run_action(f"screen.{hint.action}")
                return
            left += hint.width + gap(hints, self.content_size.width)


def fitting(hints: tuple[KeyHint, ...], width: int) -> tuple[KeyHint, ...]:
    """Leave out what does not fit, from the right, but never the last two."""
    kept = list(hints)
    while len(kept) > 2 and sum(hint.width + 1 for hint in kept) - 1 > width:
        del kept[-3]
    return tuple(kept)


def gap(hints: tuple[KeyHint, ...], width: int) -> int:
    """Return how many blanks stand between two keys."""
    spare = width - sum(hint.width for hint in hints)
    return min(max(spare // max(len(hints) - 1, 1), 1), 3)
