"""The strip above the event line, where a script that teaches says what just happened, and asks; others have none.

It has the room of the longest caption of the script from the start on, so that no step moves the panes.
"""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.reactive import reactive
from textual.widget import Widget

from gradb.frame.frame import Frame
from gradb.frame.lesson.lesson import LessonAt
from gradb.present.lines.captions import asked_lines, caption_lines, caption_rows
from gradb.present.options import Asked


class CaptionStrip(Widget):
    """The caption at the position."""

    shown: reactive[LessonAt | None] = reactive(None)
    """What is taught there; None: nothing is at all."""
    asked: reactive[Asked | None] = reactive(None)
    """The question that is asked, which takes its place."""

    def __init__(self) -> None:
        super().__init__(id="caption", classes="-nothing")

    def take(self, frame: Frame | None) -> None:
        """Show what holds at a Frame."""
        self.shown = None if frame is None else frame.lesson

    def watch_shown(self) -> None:
        """Take the room that the lesson needs."""
        self._fit()

    def watch_asked(self) -> None:
        """Take the room that the question needs."""
        self._fit()

    def on_resize(self, event: events.Resize) -> None:
        """Take it at another width."""
        self._fit()

    def _fit(self) -> None:
        rows = 0 if self.shown is None else caption_rows(self.shown.lesson, self._columns)
        if self.asked is not None:
            rows = max(rows, len(asked_lines(self.asked, self._columns)))
        self.set_class(not rows, "-nothing")  # `display` itself would stand before that of too small a terminal
        if rows and self.styles.height is not None and self.styles.height.value != rows:
            self.styles.height = rows

    @property
    def _columns(self) -> int:
        return (self.size.width or self.app.size.width) - 2

    def render(self) -> Text:
        """Draw the caption."""
        if self.asked is not None:
            return Text("\n").join(asked_lines(self.asked, self._columns))
        if self.shown is None:
            return Text("")
        return Text("\n").join(caption_lines(self.shown, self._columns))
