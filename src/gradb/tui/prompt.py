"""The `:` prompt: one line of the command language, with history.

It hands text upward; it does not know what any command means, nor where its answer is shown.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from gradb.tui.messages import PromptClosed, StatementEntered

_HINT = "Enter runs it · ↑↓ history · Esc closes"


class Prompt(Horizontal):
    """A line to type commands on; hidden until it is opened, and then in the place of the key bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, priority=True),
        Binding("up", "recall(-1)", "Earlier", show=False, priority=True),
        Binding("down", "recall(1)", "Later", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.display = False
        self._history: list[str] = []
        self._place = 0
        self._refused = ""

    def compose(self) -> ComposeResult:
        """Lay out the sign, the input and how to leave it."""
        yield Static(":", id="prompt-sign", markup=False)
        yield Input(id="prompt-input", compact=True, select_on_focus=False)
        yield Static(_HINT, id="prompt-hint", markup=False)

    def open(self, text: str = "") -> None:
        """Show the prompt with ``text`` on it and take the focus."""
        self.display = True
        self._place = len(self._history)
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)
        self.screen.set_focus(field, scroll_visible=False)  # at once: the next key may be here already

    def close(self) -> None:
        """Hide the prompt."""
        self.display = False
        self.post_message(PromptClosed())

    def refuse(self) -> None:
        """Leave what was typed there, to be mended; the key of the prompt begins anew."""
        self._refused = self.query_one(Input).value

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take the key of the prompt behind a line that was refused for what it is everywhere else."""
        event.stop()
        if self._refused and event.value == f"{self._refused}:":
            event.input.value = ""
        if event.value != self._refused:
            self._refused = ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the text up and keep it in the history."""
        event.stop()
        text = event.value.strip()
        if not text:
            self.close()
            return
        if not self._history or self._history[-1] != text:
            self._history.append(text)
        self._place = len(self._history)
        self.post_message(StatementEntered(text))

    def action_close(self) -> None:
        """Leave the prompt."""
        self.close()

    def action_recall(self, step: int) -> None:
        """Put an earlier or later line of the history on the prompt."""
        self._place = min(max(self._place + step, 0), len(self._history))
        field = self.query_one(Input)
        field.value = self._history[self._place] if self._place < len(self._history) else ""
        field.cursor_position = len(field.value)
