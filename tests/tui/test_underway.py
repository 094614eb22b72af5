"""What takes its time on the screen: it says how far it is, keys are taken meanwhile, and Ctrl+C and Esc end it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.ghost import Ghost
from gradb.debugger.gradcheck.gradcheck import GradCheck
from gradb.debugger.pace import News
from gradb.debugger.save import _Copy
from gradb.debugger.search import Progress
from gradb.frame.reader import Tape
from gradb.tui.checks import Checks, Told
from gradb.tui.ghost import GhostLine
from gradb.tui.underway import Underway
from tests.tui.support import debug_screen, opening, position_of, shown, text_of, wait_until

SEARCH = "until norm(upstream) > 1e9"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every search stop at its first step, for longer than a test."""
    monkeypatch.setattr("gradb.tui.session.FIRST", 0.0)
    monkeypatch.setattr("gradb.tui.slices._PAUSE", 3600.0)


def far(**known: Any) -> Debugger:
    """Return a debugger of which this is known."""
    standing = SimpleNamespace(is_pausing=False)
    facts = {
        "is_running": False,
        "head": 0,
        "progress": None,
        "share": None,
        "waiting": "",
        "tape": object(),
        "run": standing,
    }
    return cast(Debugger, SimpleNamespace(**facts | known))


def test_what_takes_a_second_says_how_far_it_is() -> None:
    """Of a search the share is known, of a script only where it runs on to a number."""
    now = 50.0
    underway = Underway(lambda: now)
    assert underway.line(far(progress=Progress(10, 0.1, 0.9)), SEARCH) == ""
    assert (
        underway.line(far(progress=Progress(31_000, 0.31, 1.64)), SEARCH)
        == f"`{SEARCH}`: at event 31,000, 31%, 1.6 s; Ctrl+C breaks it off"
    )
    copied = far(progress=Progress(0, 0.31, 1.64, is_place=False))
    assert underway.line(copied, "save b.tape") == "`save b.tape`: 31%, 1.6 s; Ctrl+C breaks it off"
    assert underway.line(far(is_running=True, head=100), "finish") == ""
    now += 2
    assert underway.line(far(is_running=True, head=1100), "") == "running: 1,000 events, 2 s; Ctrl+C pauses"
    known = far(is_running=True, head=1100, share=0.25, waiting="running on to event 4100")
    assert underway.line(known, "") == "running on to event 4100: 1,000 events, 25%, 2 s; Ctrl+C pauses"
    pausing = far(is_running=True, head=1100, run=SimpleNamespace(is_pausing=True))
    assert (
        underway.line(pausing, "")
        == "pausing at the next event: 1,000 events, 2 s; Ctrl+C twice sends it KeyboardInterrupt"
    )
    assert underway.line(far(), "") == ""
    assert underway.line(far(is_running=True, head=1100), "") == ""


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("key", ["ctrl+c", "escape"])
async def test_a_search_is_broken_off(key: str, training_tape: Path) -> None:
    """Keys about the screen work meanwhile, others wait and are let go with it; the position is where it was."""
    app = opening(training_tape)
    async with shown(app) as pilot:
        screen: Any = debug_screen(app)
        screen.action_statement(SEARCH)
        assert screen.session.is_searching
        await pilot.press("question_mark")
        await wait_until(lambda: app.screen is not screen)
        await pilot.press("q", "space")
        assert screen.session.is_searching
        await pilot.press(key)
        await wait_until(lambda: f"`{SEARCH}` was broken off at event" in text_of(app))
        assert not screen.session.is_searching
        assert position_of(app) == 0
        screen.session.debugger.patience = 1.0
        await pilot.press("space")
        await wait_until(lambda: position_of(app) == 1)


async def test_a_large_tape_is_saved_beside_the_keys_and_that_is_broken_off(
    training_tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left of what was broken off; what was not is whole, and that is said."""
    free, saved = threading.Event(), tmp_path / "saved.tape"
    monkeypatch.setattr("gradb.tui.session.FIRST", 0.0)
    monkeypatch.setattr("gradb.debugger.save._PAGES", 1)
    monkeypatch.setattr("gradb.debugger.save._Copy._look", _held(free, _Copy._look))
    app = opening(training_tape)
    async with shown(app) as pilot:
        screen: Any = debug_screen(app)
        screen.action_statement(f"save {saved}")
        assert screen.session.is_searching
        progress = screen.session.debugger.progress
        assert (progress.where, progress.share < 1) == ("", True)
        await pilot.press("escape")
        await wait_until(lambda: screen.said == f"`save {saved}` was broken off")
        assert not saved.exists()
        free.set()
        screen.action_statement(f"save {saved}")
        await wait_until(lambda: screen.said == f"saved as {saved}")
    with Tape.open(saved) as copy, Tape.open(training_tape) as first:
        assert copy.head == first.head


def _held(free: threading.Event, look: Callable[..., None]) -> Callable[..., None]:
    """Return a look at a copy that waits until it is free or broken off."""

    def wait(copy: Any, *pages: int) -> None:
        while not (free.is_set() or copy.is_given_up):
            free.wait(0.005)
        look(copy, *pages)

    return wait


async def test_what_is_pressed_during_a_search_comes_after_it(
    training_tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key is lost: each is carried out where the one before has come to."""
    monkeypatch.setattr("gradb.tui.session.FIRST", 0.0)
    monkeypatch.setattr("gradb.tui.slices._SLICE", 0.0)
    app = opening(training_tape)
    async with shown(app) as pilot:
        await pilot.press("i", "space", "space")
        await wait_until(lambda: not debug_screen(app).session.is_searching)
        walked = debug_screen(app).session.debugger
        assert walked is not None
        reached = walked.position
        for text in ("goto 0", "iteration", "step", "step"):
            debug_screen(app).session.submit(text)
            await wait_until(lambda: not debug_screen(app).session.is_searching)
        assert (walked.position, position_of(app)) == (reached, reached)
        assert reached > 1


def again(**known: Any) -> Ghost:
    """Return a ghost of which this is known."""
    run = SimpleNamespace(pace=SimpleNamespace(news=News(**known)))
    return cast(Ghost, SimpleNamespace(label="zero_grad off", is_running=True, run=run))


def test_a_ghost_counts_on_the_line_that_told_of_it() -> None:
    """Nothing else that is said there is put aside for it; it says when it is over, and nothing once it is let go."""
    now = 50.0
    line, ghost = GhostLine(lambda: now), again(iteration=1200)
    began = line.told("", ghost)
    assert began == ""
    first = "the ghost runs the whole script again with zero_grad off, whatever else it does"
    assert line.told(first, ghost) == first
    now += 3
    said = "the ghost (zero_grad off): iteration 1,200, 3 s; Ctrl+C breaks it off"
    assert line.told(first, ghost) == said
    assert line.told("another", ghost) == "another"
    cast(Any, ghost).is_running = False
    assert line.told(said, ghost) == "the ghost (zero_grad off) is over"
    assert line.told("the ghost (zero_grad off) is over", None) == ""


def test_a_check_counts_runs_and_seconds() -> None:
    """Each second it says how far it is, and nothing twice."""
    now = 50.0
    told: list[str] = []
    checks = Checks(cast(Told, SimpleNamespace(notice=told.append)), lambda: now)
    check = SimpleNamespace(runs=2, doing="running the script again", pump=lambda: False, result=None)
    checks._check, checks._began = cast(GradCheck, check), now
    checks.poll()
    now += 4
    checks.poll()
    checks.poll()
    assert told[1:] == ["gradcheck: running the script again: 2 runs made, 4 s; Ctrl+C breaks it off"]
