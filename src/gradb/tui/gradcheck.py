"""What a numerical check found, over the debug screen: the sentence and the figures that it rests on."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from gradb.algebra.differences import Result
from gradb.present.draw.safe import plain
from gradb.present.draw.table import figures
from gradb.present.lines.gradcheck import legend, rows, sentence


class FindingScreen(ModalScreen[None]):
    """The result of a check; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,space", "dismiss", "Close")]

    def __init__(self, result: Result) -> None:
        super().__init__()
        self._result = result

    def compose(self) -> ComposeResult:
        """Lay sentence and table out in a scrolling box."""
        with VerticalScroll(id="finding") as box:
            box.border_title = "gradcheck"
            box.border_subtitle = "Esc closes"
            said, letters = Text(plain(sentence(self._result)), "bold"), Text(plain(legend(self._result)))
            drawn = Group(said, Text(""), letters, figures(rows(self._result)))
            yield Static(drawn, id="finding-text", markup=False)
