"""An iteration lived again, on the screen: asked for, agreed to, run, and gone to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradb.debugger import living
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.again import Again
from gradb.debugger.rerun.comparison import Comparison, Difference
from gradb.debugger.rerun.consent import Consent
from gradb.debugger.rerun.reliving import Opened
from gradb.debugger.rerun.watched import Watched
from gradb.link.spec import RunSpec
from tests.fakes import examples
from tests.fakes.again import lived_again, watched_run
from tests.tui.support import debug_screen, enter, opening, shown, text_of, wait_until

_CONSENT = Consent(
    "python train.py", "/somewhere", "", (("/somewhere/log.txt", "opened for writing"),), 0, is_from_tape=True
)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Return a recording of 100 iterations, of which the first three and the last three are in full."""
    path = tmp_path / "x.tape"
    examples.watched(path)
    return path


Plays = Callable[[Callable[[Callable[..., object]], Opened]], list[int]]


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Plays:
    """Return a function that stands in for the run again; it returns the iterations that were run for."""

    def play(made: Callable[[Callable[..., object]], Opened]) -> list[int]:
        ran: list[int] = []

        def relive(first: Watched, iteration: int, *, is_agreed: bool, tell: Callable[..., object]) -> Opened:
            assert is_agreed
            ran.append(iteration)
            return made(tell)

        monkeypatch.setattr(living, "relive", relive)
        return ran

    first = Watched(RunSpec("train.py", ""), "", "finished", 0, None, _CONSENT)
    monkeypatch.setattr(living, "of_tape", lambda path: first)
    return play


def _again(difference: Difference | None = None) -> Again:
    return Again("", 50, 49, 51, 51, "ended", Comparison(153, 51, difference), ())


def _text(app: Any) -> str:
    return " ".join(text_of(app).replace("│", " ").replace("▌", " ").split())


async def test_it_is_run_once_somebody_agrees(tmp_path: Path, plays: Plays) -> None:
    """What is run and what it wrote is told; y runs it, and the iteration is gone to."""
    first = tmp_path / "y.tape"
    watched_run(first)
    ran = plays(lambda tell: Opened(_again(), lived_again(first, 7)))
    app = opening(first)
    async with shown(app, 150, 40) as pilot:
        await enter(pilot, "relive 7")
        await wait_until(lambda: "Run it again?" in text_of(app))
        assert "python train.py" in text_of(app)
        assert "/somewhere/log.txt (opened for writing)" in text_of(app)
        assert ran == []
        await pilot.press("y")
        await wait_until(lambda: "iteration 7 is in full here, from y.relived/7.tape" in _text(app))
        assert "lived again" in text_of(app)
        assert "the script did the same: 153 numbers" in _text(app)
        assert ran == [7]


async def test_nothing_is_run_where_nobody_agrees(tape: Path, plays: Plays) -> None:
    """The key is for the iteration of the position; escape leaves all as it is."""
    ran = plays(lambda tell: Opened(_again(), None))
    app = opening(tape)
    async with shown(app) as pilot:
        await pilot.press("x")
        await wait_until(lambda: "in no iteration yet" in text_of(app))
        assert len(app.screen_stack) == 1
        await enter(pilot, "iteration @60")
        await wait_until(lambda: "iteration 60" in text_of(app))
        await pilot.press("x")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)
    assert ran == []


async def test_what_is_in_full_is_gone_to(tape: Path, plays: Plays) -> None:
    """Nothing has to be run, and nobody is asked."""
    ran = plays(lambda tell: Opened(_again(), None))
    app = opening(tape)
    async with shown(app) as pilot:
        await enter(pilot, "relive @99")
        await wait_until(lambda: "iteration 99 is in full as it is recorded" in text_of(app))
        frame = debug_screen(app).frame
        assert frame is not None
        assert frame.iteration == 99
    assert ran == []


async def test_a_run_that_did_not_repeat_is_told(tape: Path, plays: Plays) -> None:
    """Where it differed, over the screen: the position stays."""
    difference = Difference("loss", 7, 1.0, 2.0)
    plays(lambda tell: Opened(_again(difference), None))
    app = opening(tape)
    async with shown(app) as pilot:
        await enter(pilot, "relive 50")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("y")
        await wait_until(lambda: "loss of iteration 7 was 1.0 and is 2.0" in _text(app))
        assert "so nothing of it is kept" in _text(app)
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)


async def test_it_is_broken_off(tape: Path, plays: Plays) -> None:
    """Escape ends it where it tells how far it is, and the screen goes on."""
    is_given_up = threading.Event()

    def made(tell: Callable[..., object]) -> Opened:
        news = SimpleNamespace(pace=SimpleNamespace(news=SimpleNamespace(iteration=7, loss=0.5)))
        try:
            while True:
                tell(news)
                is_given_up.wait(0.01)
        except UserError:
            is_given_up.set()
            raise

    ran = plays(made)
    app = opening(tape)
    async with shown(app) as pilot:
        await enter(pilot, "relive 50")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("y")
        await wait_until(lambda: "iteration 7" in text_of(app))
        await pilot.press("escape")
        await wait_until(is_given_up.is_set)
        await wait_until(lambda: "given up" in text_of(app))
    assert ran == [50]


async def test_what_was_over_before_it_was_given_up_is_taken_in(tmp_path: Path, plays: Plays) -> None:
    """Its tape lies there: that is said, and it is gone to without another run."""
    first, is_given_up = tmp_path / "y.tape", threading.Event()
    watched_run(first)

    def made(tell: Callable[..., object]) -> Opened:
        assert is_given_up.wait(60)
        return Opened(_again(), lived_again(first, 7))

    ran = plays(made)
    app = opening(first)
    async with shown(app, 150, 40) as pilot:
        await enter(pilot, "relive 7")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("y")
        await wait_until(lambda: "the script is run again" in text_of(app))
        await pilot.press("escape")
        await wait_until(lambda: "the run again is given up" in text_of(app))
        is_given_up.set()
        await wait_until(lambda: "it was over before that: iteration 7 is in full" in _text(app))
        await enter(pilot, "relive 7")
        await wait_until(lambda: "iteration 7 is in full here, from y.relived/7.tape" in _text(app))
    assert ran == [7]
