"""The find line: what is looked for in the pane that has the keyboard, in the place of the key bar.

While it is typed on, the first hit at or below the cursor is gone to; once Enter was pressed, `n` and `N` go from hit
to hit, until Escape. It knows of a pane only that it takes
the keyboard, and has a search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from gradb.tui.messages import PromptClosed

_TYPING = "Enter keeps · ↓↑ move · Esc closes"
_WALKING = "n next · N previous · Esc closes"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a search has come to."""

    hits: int = 0
    """So far."""
    at: int = 0
    """Which of them the cursor is on, from 1; 0: on none."""
    share: float = 1.0
    """How much of what there is was looked at, 0 to 1."""

    @property
    def text(self) -> str:
        """For people: ``3 of 17``."""
        found = "none" if not self.hits else f"{self.at:,} of {self.hits:,}" if self.at else f"{self.hits:,}"
        return found if self.share >= 1 else f"{found} so far, {self.share:.0%} looked at"


class Searched(Protocol):
    """The search of a pane."""

    @property
    def tally(self) -> Tally:
        """What the search has come to."""
        ...

    def look_for(self, text: str, tell: Callable[[], None]) -> None:
        """Begin a search and mark what it finds; with an empty text end it and mark nothing.

        Args:
            text: what is looked for.
            tell: called, now or later, whenever the tally may be another.
        """
        ...

    def go_to_hit(self, step: int) -> None:
        """Go so many hits on or back, round the ends; 0: to the first at or below the cursor."""
        ...


class FindLine(Horizontal):
    """A line to type on; hidden until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, priority=True),
        Binding("up", "step(-1)", "Previous", show=False, priority=True),
        Binding("down", "step(1)", "Next", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__(id="find")
        self.display = False
        self._search: Searched | None = None
        self._pane: Widget | None = None  # whose it is
        self._is_new = False

    def compose(self) -> ComposeResult:
        """Lay out the sign, the input, the tally and the keys."""
        yield Static("/", id="find-sign", markup=False)
        yield Input(id="find-input", compact=True, select_on_focus=False)
        yield Static(id="find-tally", markup=False)
        yield Static(_TYPING, id="find-hint", markup=False)

    @property
    def is_typing(self) -> bool:
        """True while it has the keyboard."""
        return self.display and self.query_one(Input).has_focus

    @property
    def is_walking(self) -> bool:
        """True while `n` and `N` go from hit to hit."""
        return self.display and not self.query_one(Input).has_focus

    def open(self, pane: Widget, search: Searched, text: str = "") -> None:
        """Show the line for a pane; with a text look for it at once, and leave the keyboard where it is."""
        if self._search is not None and self._search is not search:
            self._search.look_for("", _nothing)
        self._pane, self._search = pane, search
        field = self.query_one(Input)
        self.display = True
        if text:
            field.value = text
            self._begin(text)
            self._hint(_WALKING)
            return
        field.action_select_all()
        self._hint(_TYPING)
        self.screen.set_focus(field, scroll_visible=False)  # at once: the next key may be here already

    def close(self) -> None:
        """Hide the line, and forget what was looked for."""
        if self._search is not None:
            self._search.look_for("", _nothing)
        self._pane = self._search = None
        self.display = False
        self.post_message(PromptClosed())

    def step(self, step: int) -> None:
        """Go to the next hit (1) or the one before (-1)."""
        if self._search is not None:
            self._search.go_to_hit(step)
            self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for what is typed so far."""
        event.stop()
        if self.is_typing:
            self._begin(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the keyboard to the pane, and keep the hits."""
        event.stop()
        if event.value.strip():
            self._hint(_WALKING)
            self.screen.set_focus(self._pane, scroll_visible=False)  # at once, as when it was opened
        else:
            self.close()

    def action_close(self) -> None:
        """Leave the line."""
        self.close()

    def action_step(self, step: int) -> None:
        """Go from hit to hit."""
        self.step(step)

    def _begin(self, text: str) -> None:
        if self._search is not None:
            self._is_new = True
            self._search.look_for(text, self._tell)

    def _tell(self) -> None:
        """Go to the first hit once there is one, and say how many there are."""
        if self._search is not None and self._is_new and self._search.tally.hits:
            self._is_new = False
            self._search.go_to_hit(0)
        has_text = bool(self.query_one(Input).value.strip())
        tally = self._search.tally.text if self._search is not None and has_text else ""
        self.query_one("#find-tally", Static).update(tally)

    def _hint(self, text: str) -> None:
        self.query_one("#find-hint", Static).update(text)


def _nothing() -> None:
    """Tell nobody."""
