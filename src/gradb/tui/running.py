"""The way from the app to the screen of a run, which takes as long to load as all of Textual.

The app imports this behind its first paint, and nothing else that knows a run.
"""

from __future__ import annotations

from gradb.present.draw.raster import prepare
from gradb.tui.commands import SCREEN_COMMANDS
from gradb.tui.course import Course
from gradb.tui.looks import Looks
from gradb.tui.screen import DebugScreen


def debug_screen(script: str, looks: Looks, course: Course | None) -> DebugScreen:
    """Make the screen of a run.

    Args:
        script: what its header says until the tape says it.
        looks: what the user has chosen.
        course: the lessons of which one may be opened after another; None: there are none.
    """
    screen = DebugScreen(script, SCREEN_COMMANDS, looks, course)
    screen.run_worker(prepare, thread=True)  # the first plot would otherwise wait for it
    return screen
