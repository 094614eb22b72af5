"""The answer line: what a learner types to a question, in the place of the key bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

_EXAMPLES = "e.g. 28, [1, 2], None or True"
_HINT = "Enter checks · Esc: keys again"


class AnswerLine(Horizontal):
    """A line to type an answer on; hidden until one is to be given.

    Args:
        check: takes what was typed.
        leave: is told that the keyboard is wanted back.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False, priority=True)]

    def __init__(self, check: Callable[[str], object], leave: Callable[[], None]) -> None:
        super().__init__(id="answer")
        self.display = False
        self._check, self._leave = check, leave

    def compose(self) -> ComposeResult:
        """Lay out the sign, the input and how to leave it."""
        yield Static("=", id="answer-sign", markup=False)
        yield Input(placeholder=_EXAMPLES, id="answer-input", compact=True, select_on_focus=False)
        yield Static(_HINT, id="answer-hint", markup=False)

    def open(self) -> None:
        """Show the line, empty, and take the focus."""
        self.display = True
        field = self.query_one(Input)
        field.value = ""
        self.screen.set_focus(field, scroll_visible=False)  # at once: the next key may be here already

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Have what was typed checked."""
        event.stop()
        if text := event.value.strip():
            self._check(text)
            event.input.action_select_all()  # where it was wrong, what is typed next takes its place

    def action_leave(self) -> None:
        """Give the keyboard back."""
        self._leave()
