"""The whole way of a key: pressed in the real app, which has no terminal, until the last cell is painted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from textual import events
from textual._compositor import CompositorUpdate

from gradb.debugger.debugger import Debugger
from gradb.tui import app
from gradb.tui.screen import DebugScreen
from tests.bench.reader.keys import Key, Times, turns

SIZE = (200, 60)
_LOOK, _QUIET = 0.02, 3  # seconds between two looks, of which so many without a paint say that a key is done with
_PATIENCE = 300.0


class TimedApp(app.GradbApp):
    """The app; it takes note of when something was painted, and makes of that what a terminal would be sent."""

    CSS_PATH = str(Path(app.__file__).with_name("gradb.tcss"))
    painted = Times(0.0, 0.0)
    """When the last paint was, by either clock."""
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
    """Run the app until its first Frame is painted."""
    running = TimedApp(lambda: Debugger.open(path), script="script.py")
    async with running.run_test(size=size):
        await _until(lambda: running.below.frame is not None)
        began = time.perf_counter()
        await _until(lambda: running.painted.wall > began)
        running.count_statements()
        running.judge_nothing()
        yield running


async def _until(condition: Callable[[], bool]) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it does not hold in time.
    """
    deadline = time.perf_counter() + _PATIENCE
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError("the app does not come to it")
        await asyncio.sleep(0.001)


async def _rest(running: TimedApp, since: Times) -> Times:
    """Wait until nothing was painted for a while; return what it took up to the last paint.

    A look is cheap and takes its turn: while the app computes there is none, so that this is no quiet.

    Raises:
        TimeoutError: the app paints without end.
    """
    last, quiet = running.painted, 0
    while quiet < _QUIET:
        if time.perf_counter() > since.wall + _PATIENCE:
            raise TimeoutError("the app paints without end")
        await asyncio.sleep(_LOOK)
        quiet = quiet + 1 if last is running.painted else 0
        last = running.painted
    return last.since(since) if last.wall > since.wall else Times(0.0, 0.0)


async def _press(running: TimedApp, key: Key, statement: str) -> Times:
    """Press a key, or run what would be typed; return what it took up to the last paint."""
    began, handled = Times.now(), running.handled
    if key.key:
        running.post_message(events.Key(key.key, None))
    else:
        running.call_later(running.below.action_statement, statement)
    await _until(lambda: running.handled > handled)
    return await _rest(running, began)


async def measure(
    path: str, keys: tuple[Key, ...], repeat: int, seed: int = 2
) -> AsyncIterator[tuple[str, list[Times]]]:
    """Yield what each press of a key took until the screen stands, key by key."""
    typed = Key("", "")
    async with opened(path) as running:
        head = running.below.frame.head if running.below.frame else 0
        for name, turned in groupby(turns(keys, head, repeat, seed), lambda turn: turn[0].name):
            times = []
            for key, here, statement in turned:
                await _press(running, typed, f"goto {here}")
                times.append(await _press(running, key, statement))
                if key.closed_by:
                    closing = Times.now()
                    running.post_message(events.Key(key.closed_by, None))
                    await _rest(running, closing)
            yield name, times
