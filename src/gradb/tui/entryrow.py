"""How an entry of the picker is drawn: its title, and what there is to say of it, on as many lines as that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from gradb.present.draw import theme
from gradb.present.draw.safe import plain
from gradb.tui.shortlist import Hit

_WIDE = 110  # from here on both stand on a line
_TITLE = 44
_GAP = 2
_INDENT = 2
_MARKS = {"": ("  ", ""), "begun": ("▸ ", theme.CHANGED), "done": ("✓ ", theme.OK)}
"""What stands before a lesson, and its style."""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A hit as a renderable: as wide as the list is, with wrapped lines under their beginnings.

    It is put together of lines: tables of all entries took as long as all else that is painted first.
    """

    hit: Hit

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        width = options.max_width
        lines = self._beside(console, width) if width >= _WIDE else self._below(console, width)
        mark = _MARKS[self.hit.entry.mark]
        for line in lines:
            yield Text.assemble(mark, line)
            mark = _MARKS[""]

    def _beside(self, console: Console, width: int) -> Iterator[Text]:
        """Return the lines with what is said of it on the right."""
        titles = self._title().wrap(console, _TITLE)
        abouts = self._about().wrap(console, width - _INDENT - _TITLE - _GAP)
        for title, about in zip_longest(titles, abouts, fillvalue=Text()):
            yield title + " " * (_TITLE + _GAP - title.cell_len) + about

    def _below(self, console: Console, width: int) -> Iterator[Text]:
        """Return the lines with what is said of it under the title."""
        yield from self._title().wrap(console, width - _INDENT)
        if about := self._about():
            yield from (Text(" " * _INDENT) + line for line in about.wrap(console, width - 2 * _INDENT))

    def _about(self) -> Text:
        first, stop, _ = plain(self.hit.entry.about).partition(". ")
        return Text(first + stop.rstrip(), "dim")

    def _title(self) -> Text:
        entry = self.hit.entry
        text = Text(plain(entry.title))
        for letter in self.hit.letters:
            text.stylize("bold underline", letter, letter + 1)
        if entry.name:
            text.append(f"  {plain(entry.name)}", "italic dim")
        return text
