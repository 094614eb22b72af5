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
        began = time.perf_counter()
        running.refresh()
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


async def _press(running: TimedApp, key: Key, statement: str) -> tuple[Times, Times]:
    """Press a key, or run what would be typed; return what it took up to the first paint of where it has led, and up to
    the last: what is read a little at a time is painted later.
    """
    began, handled, session = Times.now(), running.handled, running.below.session
    if key.key:
        running.post_message(events.Key(key.key, None))
    else:
        running.call_later(running.below.action_statement, statement)
    await _until(lambda: running.handled > handled)
    while session.is_moving:
        running.paints.clear()
        await asyncio.sleep(0.001)
    running.paints.clear()
    last = await _rest(running, began)
    return (running.paints[0].since(began) if running.paints else last), last


async def measure(
    path: str, keys: tuple[Key, ...], repeat: int, seed: int = 2
) -> AsyncIterator[tuple[str, list[Times], list[Times]]]:
    """Yield what each press of a key took until it was painted, and until the screen stood, key by key."""
    async with opened(path) as running:
        async for found in _pressed(running, keys, repeat, seed):
            yield found


async def measure_live(source: str, until: str, repeat: int) -> AsyncIterator[tuple[str, list[Times], list[Times]]]:
    """Yield the same of the keys of a script that lives, at its head and behind it."""
    with tempfile.TemporaryDirectory() as folder:
        async with living(source, until, folder) as running:
            for key in LIVE_KEYS:
                times = []
                for _ in range(repeat):
                    await _press(running, Key("", ""), "head")
                    times.append(await _press(running, key, key.statement))
                yield key.name, [first for first, _ in times], [last for _, last in times]
            async for found in _pressed(running, KEYS, repeat, 2):
                yield found


async def _pressed(
    running: TimedApp, keys: tuple[Key, ...], repeat: int, seed: int
) -> AsyncIterator[tuple[str, list[Times], list[Times]]]:
    typed = Key("", "")
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
        yield name, [first for first, _ in times], [last for _, last in times]


async def drag(path: str, seconds: float) -> tuple[float, list[Times]]:
    """Drag a mouse along the scrubber, there and back; return how many positions a second are painted, and what each
    takes.
    """
    async with opened(path) as running:
        bar = running.below.query_one(ScrubberBar)
        await _press(running, Key("", ""), "head")
        places, width = list[tuple[int, Times]](), bar.size.width
        began = Times.now()
        bar.post_message(_mouse(events.MouseDown, bar, 0))
        while (passed := time.perf_counter() - began.wall) < seconds:
            x = round(abs(passed / seconds * 2 - 1) * (width - 1))
            bar.post_message(_mouse(events.MouseMove, bar, x))
            await asyncio.sleep(_MOVED)
            position = running.below.frame.position if running.below.frame else 0
            if (not places or places[-1][0] != position) and running.paints:
                places.append((position, running.painted))
                running.paints.clear()
        bar.post_message(_mouse(events.MouseUp, bar, 0))
        await _rest(running, began)
    moments = [moment for _, moment in places]
    rate = (len(places) - 1) / (moments[-1].wall - moments[0].wall)
    return rate, [after.since(before) for before, after in pairwise(moments)]


def _mouse(kind: type[events.MouseEvent], bar: ScrubberBar, x: int) -> events.MouseEvent:
    """Return a movement of a mouse with its button held, over a column of the scrubber."""
    at = bar.content_region.offset
    return kind(bar, x, 0, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=at.x + x, screen_y=at.y)
