"""A screen that is styled once as it comes up, and costs nothing while nothing of it would be shown."""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.screen import Screen

Result = TypeVar("Result")


class Behind(Screen[Result]):
    """Textual paints a screen that was painted once under another one whole, again and again, with what is over it.

    It also draws all of a first one in a batch, and throws that away.
    """

    _has_come_up = False

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        if not self._has_come_up:
            self._has_come_up, event.refresh_styles = True, False  # each widget was styled as it was mounted just now

    def _compositor_refresh(self) -> None:
        if self.app._batch_count:
            return  # nothing of it would be shown
        super()._compositor_refresh()
        if self is not self.app.screen:
            self._repaint_required = False  # what has changed was handed to the screen over it just now
