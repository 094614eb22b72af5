"""The help screen: first the pane in focus, then every command, group by group, as the registry has them.

A line is drawn when it comes into view: tables of the whole registry took a quarter of a second.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from gradb.present.draw.fields import cut
from gradb.tui.keys import Row
from gradb.tui.pane import finished

Groups = Sequence[tuple[str, Sequence[Row]]]
_LEAST = (9, 16)
"""Cells of the keys, and of name and argument, at least."""
_GAP = 2


class HelpScreen(ModalScreen[None]):
    """Help over the debug screen; any of the usual keys closes it. There is one, which is shown again and again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close")]

    def __init__(self, groups: Iterable[tuple[str, Iterable[Row]]]) -> None:
        super().__init__()
        self._text = HelpText([(heading, list(rows)) for heading, rows in groups])

    def compose(self) -> ComposeResult:
        """Lay the text out in a scrolling box."""
        yield self._text

    def tell(self, pane: str, about: str) -> None:
        """Begin with what a pane is about."""
        self._text.tell(pane, about)


class HelpText(ScrollView, can_focus=True):
    """The text of help, in a scrolling box."""

    def __init__(self, groups: Groups) -> None:
        super().__init__(id="help")
        self.border_title = "help"
        self.border_subtitle = "Esc or q closes help"
        self._groups = groups
        self._pane = self._about = ""
        self._lines: list[Text] = []
        self._tables: list[Text] = []
        self._width = 0  # for which they were made: that takes as long as a third of the paint

    def tell(self, pane: str, about: str) -> None:
        """Begin with what a pane is about, at the top."""
        self._pane, self._about = pane, about
        self._lay_out()
        self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width > 0:
            if width != self._width:
                self._width, self._tables = width, table_lines(self._groups, width)
            self._lines = [*pane_lines(self._pane, self._about, width), *self._tables]
            self.virtual_size = Size(width, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the viewport."""
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if index >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return finished(self._lines[index].render(self.app.console, end=""), width, self.rich_style)


def pane_lines(pane: str, about: str, width: int) -> list[Text]:
    """Return what a pane is about in ``width`` cells; none where it is about nothing."""
    return [Text(f"{pane} pane", "bold"), *_folded(about, width), Text("")] if about else []


def table_lines(groups: Groups, width: int) -> list[Text]:
    """Return a table a group in ``width`` cells, each under its heading."""
    tables = ([Text(heading, "bold"), *_table(rows, width), Text("")] for heading, rows in groups)
    return [*chain.from_iterable(tables)][:-1]


def _table(rows: Sequence[Row], width: int) -> list[Text]:
    """Return the rows in three columns; the last has what the others leave, and is folded there."""
    keys, usage = (
        max([least, *map(len, column)])
        for least, column in zip(_LEAST, ([row.keys for row in rows], [row.usage for row in rows]), strict=True)
    )
    left = keys + usage + 2 * _GAP
    lines: list[Text] = []
    for row in rows:
        first, *more = _folded(row.help, max(width - left, 16)) or [Text("")]
        line = Text.assemble((f"{row.keys:<{keys + _GAP}}", "bold cyan"), (f"{row.usage:<{usage + _GAP}}", "bold"))
        lines += [cut(line.append_text(first), width), *(Text(" " * left).append_text(rest) for rest in more)]
    return lines


def _folded(text: str, width: int) -> list[Text]:
    """Fold a text at its blanks; the lines that it has stay lines."""
    return [
        Text(line)
        for piece in text.split("\n")
        for line in textwrap.wrap(piece, max(width, 1), break_on_hyphens=False) or [""]
    ]
