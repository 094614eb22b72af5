"""How an entry of the picker is drawn: its title, and what there is to say of it, on as many lines as that takes."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gradb.present.draw import theme
from gradb.present.draw.safe import plain
from gradb.tui.shortlist import Hit

_WIDE = 110  # from here on both stand on a line
_TITLE = 44
_INDENT = 2
_MARKS = {"": ("", ""), "begun": ("▸", theme.CHANGED), "done": ("✓", theme.OK)}
"""What stands before a lesson, and its style."""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A hit as a renderable: as wide as the list is, with wrapped lines under their beginnings."""

    hit: Hit

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        about = Text(_sentence(self.hit.entry.about), "dim")
        is_wide = options.max_width >= _WIDE
        grid = Table.grid()
        grid.add_column(width=_INDENT)
        if is_wide:
            grid.add_column(width=_TITLE + 2)
        grid.add_column(ratio=1)
        mark, style = _MARKS[self.hit.entry.mark]
        title = [Padding(self._title(), (0, 2, 0, 0)), about] if is_wide else [self._title()]
        grid.add_row(Text(mark, style), *title)
        yield grid
        if about.plain and not is_wide:
            yield Padding(about, (0, 0, 0, 2 * _INDENT))

    def _title(self) -> Text:
        entry = self.hit.entry
        text = Text(plain(entry.title))
        for letter in self.hit.letters:
            text.stylize("bold underline", letter, letter + 1)
        if entry.name:
            text.append(f"  {plain(entry.name)}", "italic dim")
        return text


def _sentence(about: str) -> str:
    """Return the first sentence of a text."""
    first, stop, _ = plain(about).partition(". ")
    return first + stop.rstrip()
