"""The values pane: shift and the arrow keys move over the elements."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from gradb.present.lines.pages import asking, page_of, rows_of
from gradb.present.options import Options
from gradb.present.panes.table import PaneSpec
from gradb.tape.expressions.operands import Numbers, Unkept
from gradb.tui.messages import StatementEntered
from gradb.tui.pane import DrawnPane


class ValuesPane(DrawnPane):
    """The elements of one tensor."""

    FILLS: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up", "move(-1, 0)", "Elements above", show=False),
        Binding("shift+down", "move(1, 0)", "Elements below", show=False),
        Binding("shift+left", "move(0, -1)", "Elements to the left", show=False),
        Binding("shift+right", "move(0, 1)", "Elements to the right", show=False),
        Binding("enter", "ask", "Ask the script for a part that is not recorded", show=False),
    ]

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._from = (0, 0)  # first row and column that are shown
        self._asked = ""  # what the script was asked for at this position
        self._text = ""

    def watch_frame(self) -> None:
        """Draw the new Frame; what was asked for has been answered."""
        self._asked = ""
        super().watch_frame()

    def watch_options(self) -> None:
        """Draw what was asked for; another tensor is shown from its beginning."""
        if self.options.values.text != self._text:
            self._text, self._from = self.options.values.text, (0, 0)
        super().watch_options()

    def own_options(self, *, with_height: bool = False) -> Options:
        """Return the options for the renderer, with the part that is looked at."""
        return replace(super().own_options(with_height=with_height), matrix=self._from)

    def action_move(self, rows: int, columns: int) -> None:
        """Move by so many rows and columns, as far as there are elements."""
        found = self.options.values.found
        value = None if found is None else found.value
        if not isinstance(value, Numbers | Unkept):
            return
        most = rows_of(value.shape)
        row, column = self._from[0] + rows, self._from[1] + columns
        self._from = (min(max(row, 0), max(most[0] - 1, 0)), min(max(column, 0), max(most[1] - 1, 0)))
        if isinstance(value, Unkept) and not self._has(value):
            self.action_ask()
        self.draw()

    def action_ask(self) -> None:
        """Ask the script for the part that is looked at, where it is not recorded."""
        found = self.options.values.found
        if found is not None and isinstance(found.value, Unkept):
            part = asking(self.options.values.text, found.value.shape, *self._from)
            if part != self._asked:  # a key that is held asks once
                self._asked = part
                self.post_message(StatementEntered(f"print !{part}"))

    def _has(self, value: Unkept) -> bool:
        """Tell whether the script has told the part that is looked at."""
        page = None if self.frame is None else page_of(self.frame, self.options.values.text, value.shape)
        return page is not None and page.has(*self._from)
