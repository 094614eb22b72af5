"""The findings on the screen: the pane, the way to their events, the marks, and what the training pane says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from gradb.tui.app import GradbApp
from gradb.tui.bars import ScrubberBar
from tests.fakes import DEBUGGEE, examples
from tests.tui.support import debug_screen, opening, position_of, shown, text_of, there, wait_until
from tests.unit.diagnosis.rows import alone

FIRST, THIRD = 15, 43
"""Events of the first and the third accumulation of the tape."""


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with alone("G901", "G903", "G951"):
        yield


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """The tape of three iterations of SGD."""
    path = tmp_path / "train.tape"
    examples.training(path)
    return path


async def _judged(pilot: Pilot[int]) -> None:
    """Wait until all of the tape is judged."""
    screen = debug_screen(pilot.app)
    await wait_until(lambda: (judged := screen.options.judged) and judged.position == screen.session.debugger.head)  # type: ignore[union-attr]
    await pilot.pause()


def test_the_findings(tape: Path, snap_compare: Any) -> None:
    """At the end the finding with its steps, what to do, and what could not be judged; a mark on the scrubber."""
    app = opening(tape)

    async def look(pilot: Pilot[int]) -> None:
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        await pilot.press("G", "F")
        await _judged(pilot)
        await pilot.press("down")
        text = text_of(app)
        assert "F findings" in text
        assert "train.py:7: G901 w is there (3 times" in text
        assert f"train.py:7, event {FIRST}: this is it" in text
        assert "1 rule judged, 1 not: it takes two to tell" in text
        assert "h judges the hints too" in text
        assert "!" in app.screen.query_one(ScrubberBar).render().plain

    assert snap_compare(app, terminal_size=(120, 40), run_before=look)


async def test_a_finding_is_shown_from_its_event_on(tape: Path) -> None:
    """Before it the pane counts it as a later one, however far was judged."""
    app = opening(tape)
    async with shown(app) as pilot:
        debug_screen(app).action_statement(f"goto {FIRST - 1}; findings")
        await _judged(pilot)
        assert "1 more later" in text_of(app)
        assert "w is there" not in text_of(app)
        debug_screen(app).action_statement(f"goto {FIRST}")
        await pilot.pause()
        assert "G901 w is there" in text_of(app)
        assert "more later" not in text_of(app)


async def test_enter_goes_to_the_event(tape: Path) -> None:
    """Of the row that is selected, a finding or one of its steps."""
    app = opening(tape)
    async with shown(app) as pilot:
        await pilot.press("G", "F")
        await _judged(pilot)
        await pilot.press("down", "down", "down", "up", "enter")
        await wait_until(lambda: position_of(app) == FIRST)


async def test_the_training_pane_says_what_is_wrong(tape: Path) -> None:
    """A training with a fault does not look healthy; before the fault is to be seen it is announced."""
    app = opening(tape)
    async with shown(app, 200, 60) as pilot:
        await pilot.press("G")
        await _judged(pilot)
        assert "! G901 accumulate is there (line 7)" in text_of(app)
        await pilot.press("g")
        await pilot.pause()
        assert "1 found later: see findings (F)" in text_of(app)


async def test_a_live_run_is_judged_as_it_goes(tape: Path, tmp_path: Path) -> None:
    """Where it pauses up to there, and to its end when it is over, though its tape is opened anew then."""
    command = (sys.executable, DEBUGGEE, str(tape))
    debugger = Debugger.launch(RunSpec("train.py", str(tmp_path / "live.tape")), command)
    app = GradbApp(lambda: debugger, script="train.py")
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until(lambda: debugger.tape is not None and not debugger.is_running)
        debug_screen(app).action_statement("findings; until kind accumulate")
        await wait_until(lambda: "G901 w is there" in text_of(app))
        debug_screen(app).action_statement("finish")
        await wait_until(lambda: not debugger.is_live)
        await _judged(pilot)
        await wait_until(lambda: "(3 times" in text_of(app))
