"""The source pane: the script's text, drawn line by line as it is scrolled, with the current expression marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.strip import Strip

from gradb.debugger.breakpoints import Mark
from gradb.frame.cache import Cache
from gradb.frame.frame import Frame, SourceView
from gradb.present.draw import theme
from gradb.present.lines.lesson import first_line
from gradb.present.panes.source import beside, source_line, text_room, veiled
from gradb.present.panes.table import PaneSpec
from gradb.tui.layout import top_line
from gradb.tui.linesearch import LineSearch
from gradb.tui.lookup import mark as underline
from gradb.tui.messages import LineClicked
from gradb.tui.pane import Pane

_KEPT = 500  # drawn lines
_SHIFT = 8  # characters that the text is moved sideways at a time
_SIGNS: dict[Mark, tuple[str, str]] = {
    "on": ("◉", "bold red"),
    "conditional": ("◈", "bold red"),
    "pending": ("◌", "bold yellow"),
    "off": ("○", "red"),
}
"""What stands in front of a line with a breakpoint."""


class SourcePane(Pane):
    """The script. Only the lines on the screen are drawn; the current one is kept in view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Go to the line above", show=False),
        Binding("down", "move(1)", "Go to the line below", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("shift+left", "shift(-1)", "Show what is further left", show=False),
        Binding("shift+right", "shift(1)", "Show what is further right", show=False),
    ]

    marks: reactive[Mapping[int, Mark]] = reactive(dict, repaint=False)
    """Lines with a breakpoint, and what there is to say of it."""
    cursor: reactive[int | None] = reactive(None, repaint=False)
    """The line that the keyboard is on, from 1; None where there is no text."""

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self.search: LineSearch = LineSearch(
            lambda: () if self._view is None else self._view.lines, lambda: (self.cursor or 1) - 1, self._show_line,
            self.repaint,
        )  # fmt: skip
        self._place: tuple[tuple[str, int], str] | None = None  # position and file that the cursor was put to
        self._text: tuple[str, ...] = ()
        self._strips: Cache[tuple[object, ...], Strip] = Cache(lambda look: Strip.blank(0), _KEPT)
        """Lines of that text as they were drawn."""
        self._left = 0  # characters that lie to the left of what is shown
        self._looked: tuple[tuple[str, int], SourceView] | None = None  # at a position, in the place of its own line

    def look_at(self, view: SourceView) -> None:
        """Show another line, perhaps of another file, until the position is another."""
        if self.frame is not None:
            self._looked, self._place = (self.frame.place, view), None
            self.watch_frame()

    def file_at(self, frame: Frame | None) -> str:
        """Return the file that is shown at a Frame; empty where there is none."""
        if frame is not None and self._looked is not None and self._looked[0] == frame.place:
            return self._looked[1].file
        return "" if frame is None or frame.source is None else frame.source.file

    @property
    def other_file(self) -> str:
        """The file that is shown in the place of the one at the position; empty where it is that one."""
        own = None if self.frame is None else self.frame.source
        shown = self.file_at(self.frame)
        return "" if own is not None and own.file == shown else shown

    def _show_line(self, line: int) -> None:
        """Put the cursor on a line, from 0."""
        self.cursor = line + 1

    def watch_frame(self) -> None:
        """Lay the text out; at another position the cursor is on the current line, which is brought into view."""
        if self.frame is None or self._looked is None or self._looked[0] != self.frame.place:
            self._looked = None
        view, frame = self._view, self.frame
        words = _beside(view) if self._looked is None else ", a call of the stack"
        self.show_about("" if view is None else f"{view.file.rpartition('/')[2]}{words}")
        self.say_what_is_missing()
        self.set_lines(1 if view is None else len(view.lines) + self.said)
        place = None if view is None or frame is None else (frame.place, view.file)
        if place != self._place or self.cursor is None:
            self._place, self._left = place, 0
            self.set_reactive(SourcePane.cursor, None if view is None else min(_line(view), len(view.lines)))
            self._show_current()
        self.search.look_again()
        self.repaint()

    def watch_cursor(self, new: int | None) -> None:
        """Show where the cursor is, and bring it into view."""
        self.repaint()
        if new is not None:
            self._show_cursor(new - 1)

    def watch_marks(self) -> None:
        """Show the lines with a breakpoint."""
        self.repaint()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.repaint()

    def on_blur(self) -> None:
        """Hide it."""
        self.repaint()

    def watch_options(self) -> None:
        """Mark the origin of the selected node."""
        self.repaint()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out again for the new size."""
        self._place = None
        self.watch_frame()

    @property
    def _view(self) -> SourceView | None:
        """The text, where there is one to draw line by line."""
        view = None if self.frame is None else veiled(self.frame, self.options.given)
        if self._looked is not None:
            view = self._looked[1]
        return view if view is not None and view.lines else None

    def _show_current(self) -> None:
        """Bring the current line into view; where there is none, the code from its beginning on."""
        view, height = self._view, self.list_height
        if view is not None and height > 0:
            line = _line(view) - 1
            top = line if view.line is None else top_line(line, len(view.lines), height)
            self.scroll_to(y=top, animate=False)

    def _show_cursor(self, index: int) -> None:
        """Scroll the least that brings a line into view."""
        top = round(self.scroll_y)
        target = min(max(top, index - max(self.list_height, 1) + 1), index)
        if target != top:
            self.scroll_to(y=target, animate=False)

    def line_at(self, y: int) -> Strip:
        """Draw one line of the viewport."""
        view, width, index = self._view, self.line_width, y - self.said + self.scroll_offset.y
        if view is None:
            lines = self._instead(width)
            strip = lines[y].apply_style(self.line_style) if y < len(lines) else Strip.blank(width, self.line_style)
            return strip.adjust_cell_length(width, self.line_style)
        if y < self.said:
            return self.said_line(y)
        if index >= len(view.lines):
            return self.to_strip(Text(""), width)
        return self._drawn(view, index, width)

    def _drawn(self, view: SourceView, index: int, width: int) -> Strip:
        """Draw a line of the text; one that the position has nothing to do with is drawn once."""
        has_cursor = self.has_focus and index + 1 == self.cursor
        mark = self._mark(index + 1)
        if view.is_marked(index + 1):
            return self._draw(view, index, width, mark, has_cursor=has_cursor)
        if view.lines is not self._text:
            self._text = view.lines
            self._strips.clear()
        look = (index, mark, has_cursor, self.search.text, self._left, width, self.line_style)
        if look not in self._strips:
            self._strips.put(look, self._draw(view, index, width, mark, has_cursor=has_cursor))
        return self._strips(look)

    def _draw(self, view: SourceView, index: int, width: int, mark: tuple[str, str], *, has_cursor: bool) -> Strip:
        text = Text.assemble(mark, source_line(view, index, width - 1, self._left))
        digits = len(str(len(view.lines)))
        if self.search.text:
            underline(text, self.search.text, first=3 + digits)
        if has_cursor:
            text.stylize(theme.SELECTED, 0, 2 + digits)  # sign, arrow and number
        return self.to_strip(text, width)

    def _mark(self, line: int) -> tuple[str, str]:
        """Return the sign in front of a line."""
        if (mark := self.marks.get(line)) is not None:
            return _SIGNS[mark]
        return ("»", "bold yellow") if line == self._origin() else (" ", "")

    def _origin(self) -> int | None:
        """Return the line that made the node which the chain pane is about, unless it is the current line."""
        view, frame = self._view, self.frame
        chain = self.options.chain or (frame.chain if frame is not None else None)
        if view is None or chain is None or chain.op_event is None or chain.op_event.file != view.file:
            return None
        return chain.op_event.line if chain.op_event.line != view.line else None

    def _instead(self, width: int) -> list[Strip]:
        """Say why there is no text."""
        if self.frame is None:
            return []
        return self.to_strips(self.spec.render(self.frame, self.own_options()), width)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line under the mouse; tell which one was double-clicked."""
        offset, view = event.get_content_offset(self), self._view
        if offset is None or view is None or offset.y < self.said:
            return
        line = offset.y - self.said + self.scroll_offset.y + 1
        if line <= len(view.lines):
            self.cursor = line
            if event.chain == 2:
                self.post_message(LineClicked(line))

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        view = self._view
        if view is not None and self.cursor is not None:
            self.cursor = min(max(self.cursor + step, 1), len(view.lines))

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.action_move(direction * max(self.list_height - 1, 1))

    def action_shift(self, direction: int) -> None:
        """Move the text sideways, up to the end of its longest line."""
        view = self._view
        if view is not None:
            most = max(map(len, view.lines)) - text_room(view, self.room.width - 1)
            self._left = min(max(self._left + direction * _SHIFT, 0), max(most, 0))
            self.repaint()


def _line(view: SourceView) -> int:
    """Return the current line; where there is none, that at which the code begins: the docstring is told beside it."""
    return view.line or first_line(view.lines)


def _beside(view: SourceView | None) -> str:
    """Return where in a library it happened, and what called the function of the marked line."""
    words = "" if view is None else beside(view)
    return f", {words}" if words else ""
