"""An iteration that was lived again on the screen: in and out by steps, by the scrubber, and by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradb.tui.bars import ScrubberBar
from tests.fakes.again import born_again, lived_again, watched_run
from tests.tui.support import debug_screen, enter, opening, shown, text_of, wait_until


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Write the tape of twelve iterations that were watched, and beside it that of iteration 5: 4 to 6 in full."""
    path = tmp_path / "train.tape"
    watched_run(path)
    lived_again(path, 5)
    return path


def place(app: Any) -> str:
    """Return what the position is called."""
    debugger = debug_screen(app).session.debugger
    assert debugger is not None
    return debugger.name(debugger.position)


async def test_steps_lead_in_and_out_again(first: Path) -> None:
    """The step behind the last event of the first run is in full; the border is crossed both ways."""
    app = opening(first)
    async with shown(app) as pilot:
        seen = []
        for _ in range(9):
            await pilot.press("space")
            seen.append(place(app))
        assert seen[-3:] == ["9", "4:2", "4:3"]
        text = text_of(app)
        assert "4:3/18 forward" in text
        assert "lived again" in text.splitlines()[0]
        await pilot.press("backspace", "backspace")
        assert place(app) == "9"
        text = text_of(app)
        assert "9/32" in text
        assert "lived again" not in text.splitlines()[0]
        debug_screen(app).session.submit("goto 6:15; step")
        assert place(app) == "18"


async def test_the_training_shows_the_whole_run(first: Path) -> None:
    """The plot has all losses of the first run, with the position in it; what is found is that of the place."""
    app = opening(first)
    async with shown(app) as pilot:
        debug_screen(app).session.submit("goto 5:9")
        await pilot.press("6")
        text = text_of(app)
        assert "iteration 5 of 12" in text
        assert "recorded in full" in text or "full" in text.splitlines()[0]
        frame = debug_screen(app).frame
        assert frame is not None
        assert frame.training.losses[0].count == 12


async def test_the_scrubber_shows_where_they_lie_and_leads_there(first: Path) -> None:
    """A sign of its own in their columns, the position among them; a click on one is in the iteration."""
    app = opening(first)
    async with shown(app) as pilot:
        line = text_of(app).splitlines()
        (row,) = (one for one in line if "◇" in one)
        columns = [index for index, sign in enumerate(row) if sign == "◇"]
        assert columns == list(range(columns[0], columns[-1] + 1))
        left = app.screen.query_one(ScrubberBar).region.x
        await pilot.click("#scrubber", offset=(columns[len(columns) // 2] - left, 0))
        assert place(app) == "5:1"
        (row,) = (one for one in text_of(app).splitlines() if "◇" in one)
        assert columns[0] < row.index("◆") < columns[-1]
        await pilot.click("#scrubber", offset=(columns[-1] + 1 - left, 0))
        assert place(app).isdigit()


async def test_a_number_is_said_to_be_the_first_runs(first: Path) -> None:
    """The event line says what lies in the place of an event that is hidden."""
    app = opening(first)
    async with shown(app) as pilot:
        await enter(pilot, "goto 11")
        assert place(app) == "11"
        assert "is in full from 4:1 on" in text_of(app)
        await enter(pilot, "goto 4:99")
        assert "iteration 4 has events 1 to 18" in text_of(app)


async def test_a_row_of_the_road_leads_to_its_event(tmp_path: Path) -> None:
    """Of what was lived again the events of the road are on that tape, and enter goes there."""
    path = tmp_path / "nan.tape"
    watched_run(path, 2)
    born_again(path)
    app = opening(path)
    async with shown(app) as pilot:
        await pilot.press("c", "e")
        await wait_until(lambda: "The road" in text_of(app) or "#1:" in text_of(app))
        await pilot.press("down", "enter")
        await wait_until(lambda: app.screen is debug_screen(app))
        assert place(app).startswith("1:")
        debugger = debug_screen(app).session.debugger
        assert debugger is not None
        event = debugger.event()
        assert event is not None
        assert event.has_nonfinite


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_inside_of_an_iteration(first: Path, snap_compare: Any, width: int, height: int) -> None:
    """The screen at a node of an iteration lived again."""
    app = opening(first)

    async def walk(pilot: Any) -> None:
        from tests.tui.support import painted

        await painted(app)
        debug_screen(app).session.submit("goto 5:8")
        await pilot.pause()
        assert "5:8/15 backward" in text_of(app)
        assert "PowBackward0" in text_of(app)

    assert snap_compare(app, run_before=walk, terminal_size=(width, height))
