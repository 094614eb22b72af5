"""The .grad pane: a list of which only the rows on the screen are drawn, between a head and a foot that stay.

So two thousand parameters cost what ten do.
"""

from __future__ import annotations

from typing import ClassVar

from rich.console import Group
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from gradb.present.panes.grads import GradList, render
from gradb.present.panes.table import PaneSpec
from gradb.tui.layout import top_line
from gradb.tui.linesearch import LineSearch, marked
from gradb.tui.messages import StatementEntered
from gradb.tui.pane import Pane

_LEAST_ROWS = 2  # of the list, before the foot gets more than a line


class GradsPane(Pane):
    """The .grad buffers of the leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "List the leaves that are gone or frozen, or fold them", show=False),
    ]

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._list: GradList | None = None
        self._head: list[Strip] = []
        self._foot: list[Strip] = []
        self._rows: dict[int, tuple[tuple[object, ...], Strip]] = {}
        """The drawn row of each index; of another Frame's too, for as long as it looks the same."""
        self.search: LineSearch = LineSearch(
            self._lines, lambda: self.scroll_offset.y, self._show_line, self._paint_anew
        )

    def _lines(self) -> list[str]:
        """Return what can be read of the list."""
        return [] if self._list is None else [self._list.line(index).plain for index in range(len(self._list))]

    def _show_line(self, line: int) -> None:
        self.scroll_to(y=top_line(line, self._length, self._page), animate=False)

    def _paint_anew(self) -> None:
        """Draw the list anew, with what was found marked."""
        self._rows.clear()
        self.repaint()

    def watch_frame(self) -> None:
        """Draw the new Frame, with the buffer that its event is about in view."""
        self._draw()
        self._show_current()

    def watch_options(self) -> None:
        """List what is chosen, from its beginning."""
        self._draw()
        self.scroll_to(y=0, animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new room."""
        self._draw()
        self._show_current()

    def on_show(self, event: events.Show) -> None:
        """Draw what was not drawn while the pane had no place."""
        self._draw()
        self._show_current()

    def _draw(self) -> None:
        """List what there is, and draw what is always seen of it."""
        frame, width = self.frame, self.room.width
        self.say_what_is_missing()
        self._list, self._head, self._foot = None, [], []
        if frame is not None and width > 0 and self.display:
            options = self.own_options()
            if frame.grads:
                self._list = listed = GradList(frame, options)
                self._head = [] if listed.head is None else self.to_strips(listed.head, width)
                room = max(self.room.height - self.said - len(self._head) - _LEAST_ROWS, 1)
                self._foot = self.to_strips(Group(*listed.foot[:room]), width)
                self.show_about(listed.about)
            elif not self.said:
                self._foot = self.to_strips(render(frame, options), width)
        self.search.look_again()
        self.set_lines(self._length + self._around)
        self.repaint()

    @property
    def _length(self) -> int:
        return 0 if self._list is None else len(self._list)

    @property
    def _around(self) -> int:
        """Lines that the list cannot have: what is missing, head and foot."""
        return self.said + len(self._head) + len(self._foot)

    @property
    def _page(self) -> int:
        """Lines of the list that are seen at once."""
        return max(self.room.height - self._around, 1)

    def _show_current(self) -> None:
        current = 0 if self._list is None else self._list.current
        self._show_line(current)

    def line_at(self, y: int) -> Strip:
        """Draw one line of the viewport: what is missing, the head, a row of the list, or the foot below it."""
        if y < self.said:
            return self.said_line(y)
        y -= self.said
        if y < len(self._head):
            return self._finished(self._head[y])
        y -= len(self._head)
        shown = min(self._length, self._page)
        if y < shown:
            index = y + self.scroll_offset.y
            return self._row(index) if index < self._length else Strip.blank(self.line_width, self.line_style)
        y -= shown
        return self._finished(self._foot[y]) if y < len(self._foot) else Strip.blank(self.line_width, self.line_style)

    def _finished(self, strip: Strip) -> Strip:
        return strip.apply_style(self.line_style).adjust_cell_length(self.line_width, self.line_style)

    def _row(self, index: int) -> Strip:
        if self._list is None:
            return Strip.blank(self.line_width, self.line_style)
        looks = (*self._list.looks(index), self.line_width, self.line_style)
        if index not in self._rows or self._rows[index][0] != looks:
            row = marked(self.to_strip(self._list.line(index), self.line_width), self.search.text)
            self._rows[index] = looks, row
        return self._rows[index][1]

    def action_unfold(self) -> None:
        """List the leaves that are gone or frozen, or fold them again."""
        self.post_message(StatementEntered("unfold"))

    def on_click(self, event: events.Click) -> None:
        """Open or close the fold under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self._list is None:
            return
        index = offset.y - self.said - len(self._head)
        if 0 <= index < min(self._length, self._page):
            fold = self._list.fold_at(index + self.scroll_offset.y)
            if fold is not None:
                self.post_message(StatementEntered(f"unfold {fold.kind}"))
