"""The picker: what `gradb` alone shows. Scenarios that come with gradb, then recent tapes; one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gradb.present.draw.safe import plain
from gradb.tui.keybar import KeyBar, KeyHint

_MAX_TITLE = 40
_KEYS = (KeyHint("enter", "open", "choose"), KeyHint("↑↓", "choose", "down"), KeyHint("q", "quit", "leave"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be opened."""

    path: str
    title: str
    """First line of the script's docstring, or the tape's script."""
    about: str = ""
    """One line more: the file's name, when it was recorded ..."""
    group: str = "scenarios"


class PickerScreen(Screen[Entry | None]):
    """A list of entries; dismissed with the chosen one, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", show=True),
        Binding("q,escape", "leave", "Quit", show=True, key_display="q"),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = tuple(entries)

    def compose(self) -> ComposeResult:
        """Lay out the title, the list and the keys."""
        yield Static(_heading(), id="picker-title", markup=False)
        yield OptionList(*_options(self._entries), id="picker-list", markup=False)
        yield KeyBar(_KEYS)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open what was chosen."""
        event.stop()
        self.dismiss(self._entries[int(event.option_id or 0)])

    def action_choose(self) -> None:
        """Open the highlighted entry."""
        self.query_one(OptionList).action_select()

    def action_leave(self) -> None:
        """Leave without a choice."""
        self.dismiss(None)

    def action_down(self) -> None:
        """Move down."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Move up."""
        self.query_one(OptionList).action_cursor_up()


def _heading() -> Text:
    return Text.assemble(("gradb", "bold"), "  step through PyTorch's autograd, forwards, backwards and back in time")


def _options(entries: Sequence[Entry]) -> list[Option | None]:
    """Return the rows, a heading before each group."""
    rows: list[Option | None] = []
    width = min(max((cell_len(plain(entry.title)) for entry in entries), default=0), _MAX_TITLE)
    group = ""
    for index, entry in enumerate(entries):
        if entry.group != group:
            group = entry.group
            if rows:
                rows.append(None)
            rows.append(Option(Text(group, "bold"), disabled=True))
        rows.append(Option(_line(entry, width), id=str(index)))
    if not rows:
        rows.append(Option(Text("nothing to open: give a script, `gradb train.py`"), disabled=True))
    return rows


def _line(entry: Entry, width: int) -> Content:
    """Return one row: the title, and the first sentence about it, cut where the screen ends."""
    title = Text(plain(entry.title))
    title.truncate(width, overflow="ellipsis", pad=True)
    first, stop, _ = plain(entry.about).partition(". ")
    return Content.assemble("  ", title.plain, "  ", (first + stop.rstrip(), "dim"))
