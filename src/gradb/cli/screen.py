"""The way from the command line to the terminal app. The app is imported only here, and only when it is shown."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gradb.cli.complaint import complain_of
from gradb.cli.lettering import is_ascii
from gradb.cli.plain import has_terminal
from gradb.cli.settings import SETTINGS, read_settings
from gradb.debugger.errors import UserError

if TYPE_CHECKING:
    from gradb.cli.arguments import Parser
    from gradb.debugger.debugger import Debugger
    from gradb.debugger.ghost import Ghost
    from gradb.tui.app import GradbApp
    from gradb.tui.course import Course
    from gradb.tui.entries import Shelf
    from gradb.tui.looks import Looks


def add_screen_options(parser: Parser) -> None:
    """Add the options that say how the screen looks."""
    themes = tuple(map(str, SETTINGS["theme"].values))
    help_ = "colours (default: what `gradb config` says, dark where that says nothing)"
    parser.add_argument("--theme", choices=themes, help=help_)


def check_terminal() -> None:
    """Refuse where there is nothing to draw on.

    Raises:
        UserError: standard input or output is not a terminal.
    """
    if not has_terminal():
        raise UserError(
            "the screen needs a terminal, and this is not one (gradb --plain, record, show, events and run -e work"
            " without it)"
        )


def show_screen(start: Callable[[], Debugger], script: str, theme: str | None, ghost: Ghost | None = None) -> int:
    """Show the app until the user leaves it; ``start`` is called after the first paint."""
    check_terminal()
    gc.disable()  # while all is loaded, which leaves no cycles; the screen of a run says when to look for them
    from gradb.cli.course import Lessons
    from gradb.tui.app import GradbApp

    started: list[Debugger] = []

    def begin() -> Debugger:
        started.append(start())
        return started[-1]

    lessons = Lessons()
    code = _run(GradbApp(begin, script=script, ghost=ghost, looks=_looks(theme), course=lessons))
    _complain_of((*started, *lessons.started))
    return code


def _looks(theme: str | None) -> Looks:
    """Return how the app is to look: what the command line says, else what was chosen once and for all."""
    from gradb.cli.folders import layout_file, settings_file
    from gradb.tui.looks import Looks
    from gradb.tui.memory import LayoutFile

    settings = read_settings(settings_file(), os.environ)
    memory = LayoutFile(layout_file()) if settings.holds("remember-layout") else None
    return Looks(theme or settings.text("theme"), memory, "; ".join(settings.complaints), is_ascii())


def _complain_of(started: Sequence[Debugger]) -> None:
    """Say when the app is gone what the recordings that it showed lack."""
    for debugger in started:
        complain_of(debugger.run)


def show_picker(shelf: Shelf, theme: str | None, course: Course) -> int:
    """Show the picker and what is picked, and return the exit code."""
    check_terminal()
    gc.disable()  # as above
    from gradb.tui.app import GradbApp

    return _run(GradbApp(shelf=shelf, looks=_looks(theme), course=course))


def _run(app: GradbApp) -> int:
    """Show an app and return its exit code.

    What is loaded by now stays: the collector need not look through it again, which takes 40 ms each time.
    """
    gc.freeze()
    app.run()
    return app.return_code or 0
