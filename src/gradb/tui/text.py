"""What a command has to say in several lines, over the debug screen."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from gradb.present.draw.safe import plain


class TextScreen(ModalScreen[None]):
    """Lines to read; any of the usual keys closes them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,space", "dismiss", "Close")]

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Lay the lines out in a scrolling box."""
        with VerticalScroll(id="told") as box:
            box.border_subtitle = "Esc closes"
            yield Static(Text("\n".join(map(plain, self._lines))), id="told-text", markup=False)
