"""Why, over the debug screen: what is told, and the events of its road as a list from which enter goes there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gradb.debugger.rerun.consent import QUESTION
from gradb.debugger.why import Offer
from gradb.diagnosis.fault import Fault
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.frame.frame import RunInfo
from gradb.present.lines.explained import explained_rows, headline, help_line
from gradb.present.lines.why import led_to_it, road_rows, sentence

_ELSEWHERE = "Of what else may be wrong with the training the findings tell: F, and h for hints."
RUN_AGAIN = -1
"""What the screen is left with where the script is to be run again."""


class WhyScreen(ModalScreen[int | None]):
    """What is known of a non-finite value or an error; it is left with the event to go to, ``RUN_AGAIN``, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,e", "leave", "Close"),
        Binding("y", "again", "Run again"),
    ]

    def __init__(
        self,
        found: Explanation | Nothing | Fault,
        run: RunInfo | None,
        offer: Offer | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        """Take what is told.

        Args:
            found: what was found.
            run: the run that it is of; None: another than the one on the screen, so that no row leads to it.
            offer: of a run again, where that would show more; ``y`` takes it.
            remarks: sentences to be said below.
        """
        super().__init__()
        self._found, self._run, self._offer, self._remarks = found, run, offer, remarks

    def compose(self) -> ComposeResult:
        """Lay out what is told and, below it, the road."""
        rows = self._rows()
        with Vertical(id="why") as box:
            box.border_title = "why"
            box.border_subtitle = self._keys(has_rows=bool(rows))
            yield Static(self._told(), id="why-text", markup=False)
            if rows and self._run is None:
                yield Static(Text("\n").join([Text(), *(line for _, line in rows)]), id="why-lines", markup=False)
            elif rows:
                yield OptionList(*(Option(line, id=str(event)) for event, line in rows), id="why-road")

    def _keys(self, *, has_rows: bool) -> str:
        if self._offer is not None:
            return "y runs it again, Esc closes"
        return "Enter goes there, Esc closes" if has_rows and self._run is not None else "Esc closes"

    def _told(self) -> Text:
        found = self._found
        if isinstance(found, Fault):
            return Text(f"{headline(found)}.\n\n{help_line(found)}")
        told = Text("\n\n".join([sentence(found), *self._remarks]))
        if isinstance(found, Nothing) and found.is_sure:
            told.append(f"\n\n{_ELSEWHERE}")
        if self._offer is not None:
            told.append("\n\n" + "\n".join([*self._offer.first.consent.lines(), "", f"{QUESTION} y: yes, Esc: no"]))
        if isinstance(found, Explanation) and found.prelude:
            told.append(f"\n\n{led_to_it(found)}")
        return told

    def _rows(self) -> list[tuple[int, Text]]:
        found = self._found
        if isinstance(found, Nothing):
            return []
        if not isinstance(found, Fault):
            return road_rows(found)
        return [] if self._run is None else explained_rows(found, self._run)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Go to the event of the row."""
        self.dismiss(int(message.option_id or 0))

    def action_again(self) -> None:
        """Have the script run again, where that is offered."""
        if self._offer is not None:
            self.dismiss(RUN_AGAIN)

    def action_leave(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
