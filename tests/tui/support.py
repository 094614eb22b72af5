"""What the tests of the app share: a recorded run on a screen of any size, its text, and waiting for a condition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.segment import Segment
from textual._context import visible_screen_stack
from textual.events import Paste
from textual.pilot import Pilot
from textual.strip import Strip

from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from gradb.tui.pane import Pane
from gradb.tui.screen import DebugScreen

_DEADLINE = 120.0
"""Seconds: on a machine that is busy with other things a test is slow, not red."""
_BUSY = 10.0
"""Seconds after which a loop that always has something to do is left to it."""
_TURNS = 4
"""Looks in a row at which the event loop has nothing to do: then only what comes from outside can go on."""
_TURN = 0.004
"""Seconds between two: what another thread does, or a message between widgets, may come in between."""
_SOON = 0.02
"""Seconds: what is due by then is waited for, like the next painting of a screen; what comes later is nothing to do."""
_MOST_DUE = 20
"""Times that something is waited for: a search of a long tape, or of a large graph, is due again and again."""


def opening(tape: Path) -> GradbApp:
    """Return an app that opens a tape after its first paint."""
    return GradbApp(lambda: Debugger.open(str(tape)), script="script.py")


@asynccontextmanager
async def shown(app: GradbApp, width: int = 120, height: int = 40) -> AsyncIterator[Pilot[int]]:
    """Run the app without a terminal until it shows its first Frame."""
    async with app.run_test(size=(width, height)) as pilot:
        await painted(app)
        await pilot.pause()
        yield pilot


async def painted(app: GradbApp) -> None:
    """Wait until the first Frame is on the screen: what is opened over it before that has nothing behind it."""
    screen = await there(app)
    await wait_until(lambda: screen.frame is not None)
    await wait_until(lambda: screen.panes["source"].region)
    await quiet()


_resting: asyncio.Handle | None = None
"""All that the event loop has to do, as long as it has done nothing since it was found to have nothing to do."""


async def there(app: Any) -> DebugScreen:
    """Wait until the screen of the run is there, which is loaded behind the first paint, and return it."""
    await wait_until(lambda: isinstance(app.screen_stack[0], DebugScreen) and app.screen_stack[0].is_mounted)
    return debug_screen(app)


async def quiet(*_: float) -> None:
    """Wait until the event loop has nothing to do, however long Textual would wait for that.

    Textual asks twice for each key: the second time nothing can have happened.
    """
    global _resting
    loop = asyncio.get_running_loop()
    ready, timers = vars(loop)["_ready"], vars(loop)["_scheduled"]
    if [*ready] == [_resting] and all(timer.cancelled() or timer.when() - loop.time() >= _SOON for timer in timers):
        return
    turns, waits, deadline = 0, 0, loop.time() + _BUSY
    while turns < _TURNS and waits < _MOST_DUE and (now := loop.time()) < deadline:
        due = min((timer.when() - now for timer in timers if not timer.cancelled()), default=_SOON)
        await asyncio.sleep(max(0.0, due) if due < _SOON else _TURN)
        turns = 0 if ready or due < _SOON else turns + 1
        waits += due < _SOON
    _resting = loop.call_soon(lambda: None)


async def wait_until(condition: Callable[[], Any]) -> None:
    """Wait for a condition; fail when it does not hold in time.

    One that paints the screen is looked at less often, or most of the time would go into that.
    """
    deadline, began = time.monotonic() + _DEADLINE, time.thread_time()
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(max(0.005, 3 * (time.thread_time() - began)))
        began = time.thread_time()


async def enter(pilot: Pilot[int], statement: str) -> None:
    """Enter a statement at the prompt; its text is pasted, or each letter of it would be a key to wait for."""
    await pilot.press("colon")
    pilot.app.post_message(Paste(statement))
    await pilot.press("enter")


def debug_screen(app: Any) -> DebugScreen:
    """Return the debug screen, whatever lies over it."""
    screen = app.screen_stack[0]
    assert isinstance(screen, DebugScreen)
    return screen


def look_at(app: Any) -> list[Strip]:
    """Paint the screen as it is now, and return its lines."""
    visible_screen_stack.set(app._background_screens)
    strips: list[Strip] = app.screen._compositor.render_strips()
    return strips


def line_of(pane: Pane, y: int) -> Strip:
    """Return one line of what is in a pane, painted as it is now."""
    look_at(pane.app)
    return pane.render_line(y)


def text_of(app: Any) -> str:
    """Return the characters on the screen, line by line."""
    return "\n".join(strip.text.rstrip() for strip in look_at(app))


def position_of(app: Any) -> int:
    """Return the position that is shown."""
    frame = debug_screen(app).frame
    assert frame is not None
    return frame.position


def state_of(app: Any) -> list[tuple[str, str]]:
    """Return every cell on the screen with what can be seen of its style; of a blank that is the ground alone."""
    return [cell for strip in look_at(app) for segment in strip for cell in _cells(segment)]


def _cells(segment: Segment) -> list[tuple[str, str]]:
    style = segment.style
    if style is None:
        return [(char, "") for char in segment.text]
    whole = str(style)
    blank = whole if style.reverse else str(style.bgcolor)
    return [(char, blank if char == " " else whole) for char in segment.text]
