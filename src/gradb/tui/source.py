"""The source pane: the script's text, drawn line by line as it is scrolled, with the current expression marked."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual import events
from textual.reactive import reactive
from textual.strip import Strip

from gradb.debugger.breakpoints import Mark
from gradb.frame.frame import SourceView
from gradb.present.panes.source import source_line
from gradb.tui.layout import top_line
from gradb.tui.messages import LineClicked
from gradb.tui.pane import Pane

_SIGNS: dict[Mark, tuple[str, str]] = {"on": ("◉", "bold red"), "off": ("○", "red")}
"""What stands in front of a line with a breakpoint."""


class SourcePane(Pane):
    """The script. Only the lines on the screen are drawn; the current one is kept in view."""

    marks: reactive[Mapping[int, Mark]] = reactive(dict)
    """Lines with a breakpoint, and whether one of it is switched on."""

    def watch_frame(self) -> None:
        """Lay the text out, and bring the current line into view."""
        view = self._view
        self.show_about("" if view is None else f"{view.file.rpartition('/')[2]}{_within(view)}")
        self.say_what_is_missing()
        self.set_lines(1 if view is None else len(view.lines) + self.said)
        self._show_current()
        self.refresh()

    def watch_options(self) -> None:
        """Mark the origin of the selected node."""
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out again for the new size."""
        self.watch_frame()

    @property
    def _view(self) -> SourceView | None:
        """The text, where there is one to draw line by line."""
        view = None if self.frame is None else self.frame.source
        return view if view is not None and view.lines else None

    def _show_current(self) -> None:
        """Bring the current line, or the beginning where there is none, into view."""
        view, height = self._view, self.list_height
        if view is not None and height > 0:
            self.scroll_to(y=top_line((view.line or 1) - 1, len(view.lines), height), animate=False)

    def render_line(self, y: int) -> Strip:
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
        return self.to_strip(Text.assemble(self._mark(index + 1), source_line(view, index, width - 1)), width)

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
        """Tell which line was double-clicked."""
        offset, view = event.get_content_offset(self), self._view
        if offset is None or view is None or event.chain != 2 or offset.y < self.said:
            return
        line = offset.y - self.said + self.scroll_offset.y + 1
        if line <= len(view.lines):
            self.post_message(LineClicked(line))


def _within(view: SourceView) -> str:
    """Return where in a library it happened."""
    return f", in {view.library}" if view.library else ""
