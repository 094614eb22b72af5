"""The whole way of a key: pressed in the real app, which has no terminal, until the last cell is painted."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from textual import events
from textual._compositor import CompositorUpdate

from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from gradb.tui import app
from gradb.tui.bars import ScrubberBar
from gradb.tui.screen import DebugScreen
from tests.bench.reader.keys import KEYS, LIVE_KEYS, Key, Times, turns
from tests.fakes import DEBUGGEE

SIZE = (200, 60)
_LOOK, _QUIET = 0.02, 3  # seconds between two looks, of which so many without a paint say that a key is done with
_PATIENCE = 300.0
_MOVED = 0.005  # seconds between two places of a mouse


class TimedApp(app.GradbApp):
    """The app; it takes note of when something was painted, and makes of that what a terminal would be sent."""

    CSS_PATH = str(Path(app.__file__).with_name("gradb.tcss"))
    painted = Times(0.0, 0.0)
    """When the last paint was, by either clock."""
    paints: list[Times]
    """When each was since somebody has cleared it."""
    handled = 0
    """How many statements were carried out."""

    def count_statements(self) -> None:
        """Count what is carried out from here on."""
        submit = self.below.session.submit

        def counted(text: str) -> None:
            submit(text)
            self.handled += 1

        self.below.session.submit = counted  # type: ignore[method-assign]

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, CompositorUpdate):
            renderable.render_segments(self.console)
        elif renderable is not None:
            self.console._render_buffer(self.console.render(renderable))
        self.painted = Times.now()
        self.paints.append(self.painted)

    def judge_nothing(self) -> None:
        """Leave out what is done in rests, which end with the next key: it paints too, and here is no rest."""
        self.below._following._judging.update = lambda options, debugger, now: options  # type: ignore[method-assign]

    @property
    def below(self) -> DebugScreen:
        """The screen below all others."""
        screen = self.screen_stack[0]
        assert isinstance(screen, DebugScreen)
        return screen


@asynccontextmanager
async def opened(path: str, size: tuple[int, int] = SIZE) -> AsyncIterator[TimedApp]:
    """Run the app until the first Frame of a tape is painted."""
    async with started(lambda: Debugger.open(path), size) as running:
        yield running


@asynccontextmanager
async def living(source: str, until: str, folder: str) -> AsyncIterator[TimedApp]:
    """Run the app over a script that lives, until it has come to a place; a tape is played again in its place."""
    spec = RunSpec(script="script.py", tape=str(Path(folder, "live.tape")))
    command = [sys.executable, DEBUGGEE, source]
    async with started(lambda: Debugger.launch(spec, command), SIZE) as running:
        debugger = running.below.session.debugger
        assert debugger is not None
        await _until(lambda: not debugger.is_running)
        await _press(running, Key("", ""), until)
        await _rest(running, Times.now())
        yield running


@asynccontextmanager
async def started(start: Callable[[], Debugger], size: tuple[int, int]) -> AsyncIterator[TimedApp]:
    """Run the app until its first Frame, or that there is none yet, is painted."""
    running = TimedApp(start, script="script.py")
    running.paints = []
    async with running.run_test(size=size):
        await _until(lambda: isinstance(running.screen_stack[0], DebugScreen) and running.below.is_mounted)
        session = running.below.session
        await _until(lambda: session.debugger is not None and (session.is_moving or running.below.frame is not None))
