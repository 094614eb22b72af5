"""Why, over the debug screen: what is told, and the events of its road as a list from which enter goes there."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gradb.diagnosis.fault import Fault
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.frame.frame import RunInfo
from gradb.present.lines.explained import explained_rows, headline, help_line
from gradb.present.lines.why import road_rows, sentence


class WhyScreen(ModalScreen[int | None]):
    """What is known of a non-finite value or an error; it is left with the event to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,e", "leave", "Close")]

    def __init__(self, found: Explanation | Nothing | Fault, run: RunInfo) -> None:
        super().__init__()
        self._found, self._run = found, run

    def compose(self) -> ComposeResult:
        """Lay out what is told and, below it, the road."""
        rows = self._rows()
        with Vertical(id="why") as box:
            box.border_title = "why"
            box.border_subtitle = "Enter goes there, Esc closes" if rows else "Esc closes"
            yield Static(self._told(), id="why-text", markup=False)
            if rows:
                yield OptionList(*(Option(line, id=str(event)) for event, line in rows), id="why-road")

    def _told(self) -> Text:
        found = self._found
        if isinstance(found, Fault):
            return Text(f"{headline(found)}.\n\n{help_line(found)}")
        told = Text(sentence(found))
        if isinstance(found, Explanation) and found.prelude:
            told.append(f"\n\nBefore it: {'; '.join(found.prelude)}.")
        return told

    def _rows(self) -> list[tuple[int, Text]]:
        found = self._found
        if isinstance(found, Nothing):
            return []
        return explained_rows(found, self._run) if isinstance(found, Fault) else road_rows(found)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Go to the event of the row."""
        self.dismiss(int(message.option_id or 0))

    def action_leave(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
