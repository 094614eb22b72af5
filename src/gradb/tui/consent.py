"""Asks over the debug screen whether a script may be run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from gradb.debugger.rerun.consent import QUESTION, Consent
from gradb.present.draw.safe import plain


class ConsentScreen(ModalScreen[bool]):
    """What has to be agreed to, behind what is to be said before it; it is left with the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,n,x", "answer(False)", "No"),
        Binding("y", "answer(True)", "Run again"),
    ]

    def __init__(self, consent: Consent, said: Sequence[str] = ()) -> None:
        super().__init__()
        self._consent, self._said = consent, said

    def compose(self) -> ComposeResult:
        """Lay the lines out in a scrolling box, the question below."""
        with VerticalScroll(id="told") as box:
            box.border_subtitle = "y runs it again, Esc closes"
            told = [*map(plain, self._said), ""] if self._said else []
            lines = [*told, *self._consent.lines(), "", f"{QUESTION} y: yes, Esc: no"]
            yield Static(Text("\n".join(lines)), id="told-text", markup=False)

    def action_answer(self, is_agreed: bool) -> None:
        """Leave with the answer."""
        self.dismiss(is_agreed)
