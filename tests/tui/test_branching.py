"""Branches on the screen: asked for, made, drawn beside the first run, and gone to and fro between."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from gradb.debugger.branches import making
from gradb.debugger.branches.beside import folder_of, identity
from gradb.debugger.branches.making import Made, Wanted
from gradb.debugger.errors import CheckpointLost, UserError
from gradb.debugger.rerun.consent import Consent
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.tape import branching
from gradb.tape.branching import Origin
from tests.fakes import examples
from tests.tui.support import debug_screen, enter, opening, position_of, shown, text_of, wait_until

_CONSENT = Consent("python train.py", "/somewhere", "", (("/somewhere/log.txt", "opened for writing"),), 0, True)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Return a recording of a training."""
    path = tmp_path / "x.tape"
    examples.training(path)
    return path


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have a branch be made of a tape that is there, once somebody has agreed; return what was asked for."""
    asked: list[str] = []

    def run(self: Wanted, tell: Any = None) -> Made:
        asked.append(self.label)
        if self.change.value == "on":
            raise UserError("no branch: run again, the script did not do the same: loss:7 of iteration 3")
        return Made(Run.open(str(_branch(Path(self.place.tape), len(asked), self))), _origin(self), "from here on")

    monkeypatch.setattr(making.Wanted, "run", run)
    monkeypatch.setattr(making.Wanted, "consent", lambda self: _CONSENT)
    return asked


def _origin(asked: Wanted) -> Origin:
    with Tape.open(asked.place.tape) as tape:
        run = identity(tape)
    change = asked.change
    return Origin(run, "x.tape", asked.place.name, asked.place.iteration, 7, change.what, change.value, 3)


def _branch(first: Path, number: int, asked: Wanted) -> Path:
    path = folder_of(first) / f"{number}.tape"
    path.parent.mkdir(exist_ok=True)
    shutil.copy(first, path)
    branching.write(path, _origin(asked))
    return path


def _text(app: Any) -> str:
    return " ".join(text_of(app).replace("│", " ").replace("▌", " ").split())


async def test_a_branch_is_made_once_somebody_agrees(tape: Path, plays: list[str]) -> None:
    """It is drawn with its own sign, its run is looked at, and `T` leads back and forth."""
    app = opening(tape)
    async with shown(app, 160, 50) as pilot:
        await enter(pilot, "iteration @2")
        await wait_until(lambda: position_of(app) > 1)
        here = position_of(app)
        await enter(pilot, "branch zero_grad off")
        await wait_until(lambda: "Run it again?" in text_of(app))
        assert "/somewhere/log.txt (opened for writing)" in text_of(app)
        assert plays == []
        await pilot.press("y")
        await wait_until(lambda: "branch 1: zero_grad off from here on" in _text(app))
        await wait_until(lambda: "ooo the first run" in _text(app))
        assert plays == ["zero_grad off"]
        assert "· branch 1 ·" in text_of(app)
        await pilot.press("T")
        await wait_until(lambda: "Enter goes there, Esc closes" in text_of(app))
        assert "▸ 1 aaa branch 1: zero_grad off from iteration 2" in _text(app)
        await pilot.press("up", "enter")
        await wait_until(lambda: "aaa branch 1: zero_grad off from iteration 2 (loss" in _text(app))
        assert position_of(app) == here
        assert "· branch 1 ·" not in text_of(app)
        await enter(pilot, "branches 1")
        await wait_until(lambda: "· branch 1 ·" in text_of(app))
    assert debug_screen_is_left(app)


def debug_screen_is_left(app: Any) -> bool:
    """Tell whether nothing is kept of the runs."""
    return app._debug.session.debugger is None and app._debug.session.family is None


async def test_what_did_not_repeat_is_told(tape: Path, plays: list[str]) -> None:
    """The position and the run stay; escape makes nothing either."""
    app = opening(tape)
    async with shown(app, 120, 40) as pilot:
        await enter(pilot, "branch zero_grad on")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)
        assert plays == []
        await enter(pilot, "branch zero_grad on")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("y")
        await wait_until(lambda: "the script did not do the same" in _text(app))
        assert debug_screen(app).session.family is not None
        assert len(debug_screen(app).session.family or ()) == 1


async def test_one_that_cannot_go_on_from_a_checkpoint(
    tape: Path, plays: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked where it can; else it is said why, and the run from the start is offered."""

    def go_on(self: Wanted, tell: Any = None) -> Made:
        if self.change.value == "on":
            raise CheckpointLost("from the checkpoint at iteration 2, the script would have had log.txt removed")
        return self.run(tell)

    monkeypatch.setattr(making.Wanted, "has_checkpoint", property(lambda self: not self.is_anew))
    monkeypatch.setattr(making.Wanted, "go_on", go_on)
    monkeypatch.setattr(making.Wanted, "consent", lambda self: replace(_CONSENT, why=self.why))
    app = opening(tape)
    async with shown(app, 160, 50) as pilot:
        await enter(pilot, "branch zero_grad off")
        await wait_until(lambda: "branch 1: zero_grad off from here on" in _text(app))
        await enter(pilot, "branches 0")
        await wait_until(lambda: "the first run, at event" in _text(app))
        await enter(pilot, "branch zero_grad on")
        await wait_until(lambda: "Run it again?" in text_of(app))
        assert "From the checkpoint at iteration 2, the script would have had log.txt removed." in _text(app)
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)
    assert plays == ["zero_grad off"]


async def test_branches_of_a_recording_are_there(tape: Path) -> None:
    """They are drawn from the start; alone, `T` says how one is made."""
    app = opening(tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("T")
        await wait_until(lambda: "There is but the first run." in text_of(app))
        await pilot.press("escape")
        await enter(pilot, "branch")
        await wait_until(lambda: "starts a run from here with something changed" in _text(app))
    with Tape.open(tape) as opened:
        origin = Origin(identity(opened), "x.tape", "7", 1, 7, "lr", "0.5", 3)
    folder_of(tape).mkdir()
    shutil.copy(tape, folder_of(tape) / "1.tape")
    branching.write(folder_of(tape) / "1.tape", origin)
    app = opening(tape)
    async with shown(app, 160, 50) as pilot:
        await pilot.press("6")
        await wait_until(lambda: "aaa branch 1: lr 0.5 from iteration 1" in _text(app))


async def test_what_runs_on_waits_for_a_branch_on_its_way(
    tape: Path, plays: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list says that it comes, and goes along with it once it is there; what follows on the line is done there."""
    may_come = threading.Event()
    run = Wanted.run

    def slowly(self: Wanted, tell: Any = None) -> Made:
        assert may_come.wait(60)
        return run(self, tell)

    monkeypatch.setattr(making.Wanted, "run", slowly)
    app = opening(tape)
    async with shown(app, 80, 24) as pilot:
        await enter(pilot, "iteration @2")
        await wait_until(lambda: position_of(app) > 1)
        here = position_of(app)
        await enter(pilot, "branch zero_grad off; start")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("y")
        await wait_until(lambda: "branch zero_grad off from iteration 2 is on its way" in _text(app))
        await pilot.press("f")
        await wait_until(lambda: "`finish` waits for branch zero_grad off from iteration 2" in _text(app))
        assert position_of(app) == here
        await pilot.press("T")
        await wait_until(lambda: "on its way: branch zero_grad off from iteration 2" in _text(app))
        assert "▸ 0 ooo the first run" in _text(app)
        may_come.set()
        await wait_until(lambda: "▸ 1 aaa branch 1: zero_grad off from iteration 2" in _text(app))
        assert "on its way" not in text_of(app)
        rows = app.screen.query_one(OptionList)
        assert rows.highlighted == 1
        debugger = debug_screen(app).session.debugger
        assert debugger is not None
        assert debugger.position == debugger.head  # from its start on to its end


async def test_what_was_kept_for_a_branch_goes_with_it(tape: Path, plays: list[str]) -> None:
    """Where there is no branch nothing of it is done elsewhere."""
    app = opening(tape)
    async with shown(app, 120, 40) as pilot:
        await enter(pilot, "branch zero_grad on; finish")
        await wait_until(lambda: "Run it again?" in text_of(app))
        await pilot.press("y")
        await wait_until(lambda: "the script did not do the same" in _text(app))
        assert position_of(app) == 0
        await pilot.press("f")
        await wait_until(lambda: position_of(app) > 0)
