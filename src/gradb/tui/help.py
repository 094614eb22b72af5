"""The help screen: first the pane in focus, then every command, group by group, as the registry has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from gradb.tui.keys import Row


class HelpScreen(ModalScreen[None]):
    """Help over the debug screen; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close")]

    def __init__(self, pane: str, about: str, groups: Iterable[tuple[str, Iterable[Row]]]) -> None:
        super().__init__()
        self._pane, self._about, self._groups = pane, about, groups

    def compose(self) -> ComposeResult:
        """Lay the text out in a scrolling box."""
        with VerticalScroll(id="help") as box:
            box.border_title = "help"
            box.border_subtitle = "Esc or q closes help"
            yield Static(self._text(), id="help-text", markup=False)

    def _text(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self._about:
            parts += [Text(f"{self._pane} pane", "bold"), Text(self._about), Text("")]
        for group, rows in self._groups:
            parts += [Text(group, "bold"), _table(rows), Text("")]
        return Group(*parts[:-1])


def _table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True, min_width=9, style="bold cyan")
    table.add_column(no_wrap=True, min_width=16, style="bold")
    table.add_column(ratio=1)
    for row in rows:
        table.add_row(Text(row.keys), Text(row.usage), Text(row.help))
    return table
