"""Says behind the first paint of a recording that it is damaged, also where nobody has looked yet."""

from __future__ import annotations

from functools import partial

from textual.widget import Widget

from gradb.debugger.ending import flaw
from gradb.tui.checks import Told


def look_through(path: str, widget: Widget, front: Told) -> None:
    """Look through a tape that nobody writes any more, beside the keys, and say what is wrong with it.

    Args:
        path: of the tape.
        widget: in whose time it is done: it is broken off with it.
        front: who is told.
    """
    widget.run_worker(partial(_look, path, widget, front), thread=True)


def _look(path: str, widget: Widget, front: Told) -> None:
    if (told := flaw(path)) and widget.is_attached:
        widget.call_later(front.notice, told, "warning")
