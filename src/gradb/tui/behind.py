"""A screen that costs nothing while another one lies over it and nothing changes on it."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import Screen

Result = TypeVar("Result")


class Behind(Screen[Result]):
    """Textual paints a screen that was painted once under another one whole, again and again, with what is over it."""

    def _compositor_refresh(self) -> None:
        super()._compositor_refresh()
        if self is not self.app.screen:
            self._repaint_required = False  # what has changed was handed to the screen over it just now
