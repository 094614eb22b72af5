"""The Textual application: themes, the way in (a debugger, a way to start one, or the picker) and the way out.

The first paint waits for nothing: the debugger is made after it, and all that knows a run is loaded after it, by
``gradb.tui.running``. Whatever ends the app (a key, an error, a signal), the
debuggee is ended with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.actions import SkipAction
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Input

from gradb.debugger.errors import UserError
from gradb.tui.lettering import AsciiFilter
from gradb.tui.looks import PLAIN, Looks
from gradb.tui.picker import PickerScreen
from gradb.tui.signals import Signals
from gradb.tui.starting import StartScreen
from gradb.tui.themes import ANSI_DARK, ANSI_LIGHT, THEMES

if TYPE_CHECKING:
    from textual.command import Provider

    from gradb.debugger.debugger import Debugger
    from gradb.debugger.ghost import Ghost
    from gradb.tui.course import Course
    from gradb.tui.entries import Shelf
    from gradb.tui.messages import LessonChosen, Picked
    from gradb.tui.screen import DebugScreen


def _commands() -> type[Provider]:
    from gradb.tui.palette import CommandProvider

    return CommandProvider


_GRACE = 1.0
"""Seconds in which a script may end by itself at the signal that ends the app."""


class GradbApp(App[int]):
    """The debugger on the terminal.

    Args:
        start: A debugger, or what makes one; called after the first paint. None opens the picker.
        script: What the header says until the tape says it.
        shelf: Where the picker takes things from, which is shown first; None where there is something to start.
        ghost: Another run to look at beside it; from then on the app's to close.
        looks: What the user has chosen.
        course: The lessons of which one may be opened after another; None: there are none.
    """

    TITLE = "gradb"
    CSS_PATH = "gradb.tcss"
    DEFAULT_MODE = "start"  # the picker, and each run's debug screen, is the lowest of a mode
    COMMANDS: ClassVar[set[Any]] = {_commands}
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", show=False, priority=True)  # of the registry, which is loaded later
    ]

    def __init__(
        self,
        start: Debugger | Callable[[], Debugger] | None = None,
        *,
        script: str = "",
        shelf: Shelf | None = None,
        ghost: Ghost | None = None,
        looks: Looks = PLAIN,
        course: Course | None = None,
    ) -> None:
        super().__init__()
        self._letters = AsciiFilter() if looks.is_ascii else None
        self._start = start
        self._ghost = ghost
        self._looks, self._course = looks, course
        self._script = script
        self._debug: DebugScreen | None = None
        self._is_interrupted = False  # before there was a run
        self.add_mode(self.DEFAULT_MODE, lambda: StartScreen(script) if shelf is None else PickerScreen(shelf))
        self._signals = Signals(self._pass_on, self._stop_script, self._on_signal, self._interrupt)
        for each in THEMES:
            self.register_theme(each)
        self.ansi_theme_dark, self.ansi_theme_light = ANSI_DARK, ANSI_LIGHT
        self.theme = self._styled = looks.theme
        self.stylesheet.set_variables(self.get_css_variables())

    def refresh_css(self, animate: bool = True) -> None:
        """Style all anew where the colours are others.

        Textual asks for it three times at a start too, and reads all style sheets each time; there each widget is
        styled as it is mounted.
        """
        if self.theme != self._styled:
            self._styled = self.theme
            super().refresh_css(animate)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every painted line goes through."""
        filters = super().get_line_filters()
        return filters if self._letters is None else [*filters, self._letters]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer nothing beside the registry."""
        return ()

    def on_mount(self) -> None:
        """Take care of signals, and begin after the first paint."""
        self._signals.install(None if self.is_headless or not sys.stdin.isatty() else sys.stdin.fileno())
        if self._start is not None:
            self.call_after_refresh(self.call_next, self._begin)  # the screen that was painted is about to go

    def on_unmount(self) -> None:
        """Leave nothing behind."""
        self._end()
        self._signals.uninstall()

    async def run_async(self, **arguments: Any) -> int | None:
        """Run the app, and end the debuggee however the app ends."""
        try:
            return await super().run_async(**arguments)
        finally:
            self._end()

    def _end(self, grace: float = 0.0) -> None:
        if self._debug is not None:
            self._debug.end(grace)

    async def _begin(self) -> None:
        debug = await self._show_run(self._script)
        if self._start is not None:
            self._begin_with(debug, self._start)

    async def _show_run(self, script: str) -> DebugScreen:
        """Show the screen of a run in the place of the one that is there."""
        from gradb.tui.running import debug_screen  # behind the first paint

        self._debug, mode = debug_screen(script, self._looks, self._course), self.current_mode
        debug = self._debug
        self.add_mode(f"{mode}+", lambda: debug)
        await self.switch_mode(f"{mode}+")
        await self.remove_mode(mode)
        return debug

    def _begin_with(self, debug: DebugScreen, start: Debugger | Callable[[], Debugger]) -> None:
        try:
            debug.begin(start, self._ghost)
        except UserError as error:
            self.exit(return_code=2, message=f"gradb: {error}")
            return
        if self._is_interrupted:
            self._interrupt()

    async def on_picked(self, message: Picked) -> None:
        """Show what was picked; leave where that is nothing."""
        if message.debugger is None:
            self.exit(0)
        else:
            self._begin_with(await self._show_run(self._script), message.debugger)

    async def on_lesson_chosen(self, message: LessonChosen) -> None:
        """End the run that is there, and begin a lesson on a screen of its own; where it cannot be started, stay."""
        lesson, before = message.lesson, self._debug
        if before is None:
            return
        try:
            debugger = self._course.start(lesson) if self._course is not None else None
        except UserError as error:
            before.notice(str(error), "warning")
            return
        if debugger is None:
            return
        before.end()
        self._begin_with(await self._show_run(lesson.path), debugger)

    def action_interrupt(self) -> None:
        """Break off what runs, on whatever screen; where nothing does, copy what is marked."""
        if (self._debug is None or self._debug.interruption.is_idle) and _has_marked(self.screen):
            raise SkipAction
        self._interrupt()

    def _interrupt(self) -> None:
        if isinstance(self.screen, PickerScreen):
            self.screen.say_how_to_leave()
            return
        debug = self._debug
        self._is_interrupted = debug is None or debug.session.debugger is None
        if debug is None or self._is_interrupted:
            return  # it is done as soon as there is something that it may be about
        debug.action_statement("interrupt")
        said = debug.said or debug.interruption.look(debug.call_after_refresh)
        if said and self.screen is not debug:
            self.notify(said, markup=False)

    def _pass_on(self, number: int) -> None:
        if self._debug is not None:
            self._debug.session.signal(number)

    def _stop_script(self) -> None:
        if self._debug is not None:
            self._debug.session.stop()

    def _on_signal(self, number: int) -> None:
        self._pass_on(number)
        self._end(grace=_GRACE)
        self.exit(return_code=128 + number)


def _has_marked(screen: Screen[Any]) -> bool:
    """Tell whether there is text that the user has marked."""
    field = screen.focused
    return bool(screen.get_selected_text() or (isinstance(field, Input) and field.selected_text))
