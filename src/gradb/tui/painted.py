"""What is painted line by line: once something has changed, the lines that look different are painted, and no others.

To paint a line costs several times what it takes to know that it looks as it did.
"""

from __future__ import annotations

from typing import Self

from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Painted(ScrollView, inherit_bindings=False):
    """A scrollable part of the screen that knows how each of its lines was painted last.

    Who inherits says in ``line_at`` how a line looks, and calls ``repaint`` where lines may look different.
    """

    line_style = Style.null()
    """Colours that lines are painted in."""
    line_width = 0
    """Cells of a line. Both are looked up once for all lines."""
    _is_stale = _is_titled = _is_painting = False

    def __init__(self, *, id: str | None = None, name: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, name=name, classes=classes)
        self._lines_before: dict[int, Strip] = {}
        """How each line of the viewport was painted last."""
        self._lines_now: dict[int, Strip] = {}
        """How each looks now, as far as that was found out since it may have changed."""

    @property
    def room(self) -> Size:
        """Cells there are to draw on."""
        return self.scrollable_content_region.size

    def line_at(self, y: int) -> Strip:
        """Return how a line of the viewport looks."""
        raise NotImplementedError

    def prepare_lines(self) -> None:
        """Look up what all lines have in common, before they are asked for."""
        before = self.line_style, self.line_width
        self.line_style, self.line_width = self.rich_style, self.room.width
        if before != (self.line_style, self.line_width):
            self._lines_now.clear()

    def repaint(self) -> None:
        """Have painted what looks different now; once, however often this is called until then."""
        self._is_stale = True
        self._lines_now.clear()
        self.check_idle()

    def retitle(self, title: Content) -> None:
        """Set the title."""
        self._is_titled = True
        self.border_title = title
        self._is_titled = False
        self._refresh_edge(-1)

    def retitle_below(self, title: Content | None) -> None:
        """Set what stands in the border below."""
        self._is_titled = True
        self.border_subtitle = title
        self._is_titled = False
        self._refresh_edge(self.outer_size.height - 2)

    def _refresh_edge(self, y: int) -> None:
        if self.outer_size:
            super().refresh(Region(-1, y, self.outer_size.width, 1))

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint all, or some of it, anew whatever it looks like; a title alone is no reason to."""
        if not self._is_titled:
            self._lines_now.clear()
            super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Move the bar, and paint the lines that are others now."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self.repaint()

    def on_idle(self, event: events.Idle) -> None:
        """Find out which lines look different."""
        if not self._is_stale:
            return
        self._is_stale = False
        if not self.display or not self._lines_before:
            self.refresh()
            return
        self.prepare_lines()
        for y in range(self.room.height):
            line = self._lines_now[y] = self.line_at(y)
            if line is not (before := self._lines_before.get(y)) and line != before:
                super().refresh(Region(0, y, self.line_width, 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint."""
        self.prepare_lines()
        self._is_painting = True
        try:
            return super().render_lines(crop)
        finally:
            self._is_painting = False

    def render_line(self, y: int) -> Strip:
        """Paint one line of the viewport."""
        line = self._lines_now[y] if y in self._lines_now else self.line_at(y)
        if self._is_painting:
            self._lines_before[y] = line
        return line
