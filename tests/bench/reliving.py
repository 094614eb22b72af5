"""How long it takes from the key to an iteration in full on the screen: ``python -m tests.bench.reliving [ITERATION]``.

Runs the scenario ``zero_grad`` to its end in the app, watched and with checkpoints, has an iteration opened from the
nearest one, then another far from it by a run from the start, and prints the seconds of each, and of the watched run.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gradb.debugger.debugger import Debugger
from gradb.link.spec import Intervention, RunSpec
from gradb.tui.app import GradbApp
from tests.tui.support import painted, text_of, there, wait_until

_SCRIPT = Path(__file__).resolve().parents[2] / "scenarios" / "zero_grad.py"
_CHECKPOINTS = 16


async def _seconds(condition: Callable[[], Any]) -> float:
    began = time.perf_counter()
    await wait_until(condition)
    return time.perf_counter() - began


def _says(app: GradbApp, text: str) -> bool:
    return text in text_of(app)


async def _measure(iteration: int, tape: Path) -> None:
    watch = (Intervention("record", "watch"),)
    spec = RunSpec(str(_SCRIPT), str(tape), interventions=watch, seed=1, checkpoints=_CHECKPOINTS)
    app = GradbApp(lambda: Debugger.launch(spec), script="zero_grad.py")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await there(app)
        await wait_until(lambda: screen.session.debugger is not None and not screen.session.debugger.is_running)
        screen.action_statement("finish")
        ran = await _seconds(lambda: screen.session.debugger is not None and not screen.session.debugger.is_live)
        await painted(app)
        debugger = screen.session.debugger
        assert debugger is not None
        near = debugger.run.checkpoints.before(iteration - 1)
        print(f"the watched run: {ran:.2f} s; checkpoints: {debugger.run.checkpoints.standing}")
        for number in (iteration, iteration + 500):
            if number != iteration:
                debugger.run.checkpoints.keep(0)
            await pilot.press("colon", *f"relive {number}")
            began = time.perf_counter()
            await pilot.press("enter")
            if number != iteration:
                await wait_until(partial(_says, app, "Run it again?"))
                began = time.perf_counter()
                await pilot.press("y")
            await wait_until(partial(_says, app, f"iteration {number:,} is in full here"))
            took = time.perf_counter() - began
            how = f"from the checkpoint at {near.iteration:,}" if near is not None and number == iteration else "anew"
            print(f"iteration {number:,} {how}: {took:.2f} s, {took / ran:.2f} of the watched run")


def main(iteration: int) -> None:
    """Measure, and print a line each."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(iteration, Path(folder) / "bench.tape"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
