"""Where a NaN was born, over the debug screen: the paragraph, and the road as a list from which enter goes there."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.present.lines.why import road_rows, sentence


class WhyScreen(ModalScreen[int | None]):
    """What is known of a non-finite value; it is left with the event to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,e", "leave", "Close")]

    def __init__(self, found: Explanation | Nothing) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        """Lay out the paragraph and, below it, the road."""
        found = self._found
        with Vertical(id="why") as box:
            box.border_title = "why"
            told = Text(sentence(found))
            if isinstance(found, Nothing):
                box.border_subtitle = "Esc closes"
                yield Static(told, id="why-text", markup=False)
                return
            box.border_subtitle = "Enter goes there, Esc closes"
            if found.prelude:
                told.append(f"\n\nBefore it: {'; '.join(found.prelude)}.")
            yield Static(told, id="why-text", markup=False)
            yield OptionList(*(Option(line, id=str(event)) for event, line in road_rows(found)), id="why-road")

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Go to the event of the row."""
        self.dismiss(int(message.option_id or 0))

    def action_leave(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
