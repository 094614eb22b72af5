"""Where a NaN was born, on the screen."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import examples
from tests.tui.support import debug_screen, opening, shown, text_of, wait_until


async def test_the_road_leads_to_its_events(tmp_path: Path) -> None:
    """The key e tells the birth; enter on a row of the road goes there."""
    tape = tmp_path / "nan.tape"
    examples.nonfinite(tape)
    app = opening(tape)
    async with shown(app) as pilot:
        await pilot.press("e")
        await wait_until(lambda: "A NaN was born at nan.py:5" in text_of(app))
        assert "added to x.grad" in text_of(app)
        await pilot.press("enter")
        await wait_until(lambda: len(app.screen_stack) == 1)
        frame = debug_screen(app).frame
        assert frame is not None
        await wait_until(lambda: (debug_screen(app).frame or frame).position > 0)
        there = debug_screen(app).frame
        assert there is not None
        assert there.event is not None
        assert there.event.name == "SqrtBackward0"


async def test_nothing_is_said_to_be_nothing(chain_tape: Path) -> None:
    """Of a run without a NaN one sentence is told, and escape closes it."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("e")
        await wait_until(lambda: "No NaN or infinity is on the tape" in text_of(app))
        assert "the findings tell: F" in text_of(app)
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)


async def test_an_error_is_explained(tmp_path: Path) -> None:
    """At an error the key e tells what it means and what to do."""
    tape = tmp_path / "freed.tape"
    examples.accumulation(tape)
    app = opening(tape)
    async with shown(app) as pilot:
        await pilot.press("c")
        await wait_until(lambda: "RuntimeError" in text_of(app))
        await pilot.press("e")
        await wait_until(lambda: "G102" in text_of(app))
        assert "retain_graph=True" in text_of(app)
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)
