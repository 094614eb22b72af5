"""The last line of the screen: the key bar, or in its place a line to type on."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from gradb.tui.answering import AnswerLine
from gradb.tui.find import FindLine
from gradb.tui.keybar import KeyBar
from gradb.tui.keys import key_hint, key_hints
from gradb.tui.messages import PromptClosed
from gradb.tui.pane import Pane
from gradb.tui.prompt import Prompt


class Bottom:
    """Shows one of the lines at a time.

    Args:
        answer: the line on which a question is answered.
    """

    def __init__(self, answer: AnswerLine) -> None:
        self.prompt, self.find = Prompt(), FindLine()
        self._answer, self._keys = answer, KeyBar(key_hints())

    @property
    def widgets(self) -> Iterator[Widget]:
        """The lines, for the screen to lay out."""
        yield from (self.prompt, self._answer, self.find, self._keys)

    @property
    def is_typing(self) -> bool:
        """True while the prompt, the answer line or the find line has the keyboard."""
        return self.prompt.display or self._answer.display or self.find.is_typing

    def open_prompt(self, text: str = "") -> None:
        """Open the `:` prompt with ``text`` on it."""
        self._keys.display = False
        self.prompt.open(text)

    def open_find(self, pane: Pane, text: str = "") -> None:
        """Open the find line for a pane; with a text it is looked for at once."""
        self._keys.display = False
        self.find.open(pane, pane.search, text)

    def ask(self, *, is_asked: bool) -> None:
        """Say in the key bar, as long as a question is asked, by which key it is answered."""
        self._keys.take((key_hint("answer", "answer"), *key_hints()) if is_asked else key_hints())

    def open_answer(self, *, is_open: bool) -> None:
        """Show the answer line, or hide it and give the keyboard back."""
        self._keys.display = False
        if is_open:
            self._answer.open()
        else:
            self._answer.display = False
            self._answer.post_message(PromptClosed())

    def show_keys(self) -> None:
        """Show the key bar where no line is left that has its place."""
        self._keys.display = not (self.find.display or self._answer.display)
