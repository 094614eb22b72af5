"""The command about checkpoints: on, off, and what is said of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradb.batch.show import Style, debugger_text
from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.commands.keeping import USUAL, checkpoints
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.run import Run
from tests.fakes import examples
from tests.fakes.waiting import FakeLine, FakeWaiting


class LiveRun(Run):
    """A run that is live, though nothing runs."""

    is_live = True


def _debugger(path: Path, pool: Pool, run: type[Run] = LiveRun) -> Debugger:
    debugger = Debugger(run(str(path)))
    debugger.run.checkpoints = pool
    return debugger


def test_they_are_kept_and_let_go(tmp_path: Path) -> None:
    """Alone it keeps the usual number and says the price, then which wait; off lets them go."""
    wanted: list[int] = []
    line = FakeLine()
    pool = Pool(line, 0, wanted.append, clock=lambda: -1.0)
    debugger = _debugger(tmp_path / "x.tape", pool)
    assert "about 5 % of its CPU time" in checkpoints(debugger, "")
    line.coming = [FakeWaiting(100), FakeWaiting(200)]
    pool.look()
    assert checkpoints(debugger, "").startswith(f"checkpoints: 2 of at most {USUAL} wait (iterations 100, 200)")
    assert "at most 1: " in checkpoints(debugger, "1")
    assert checkpoints(debugger, "off") == "no checkpoints are kept any more; 1 checkpoint let go"
    assert wanted == [USUAL, 1, 0]
    pool.keep(4)
    line.coming = [FakeWaiting(300, is_used=True), FakeWaiting(400)]
    pool.look()
    assert checkpoints(debugger, "off") == (
        "no checkpoints are kept any more; 1 checkpoint let go; 1 checkpoint stays as long as something goes on from it"
    )
    pool.close()
    assert checkpoints(debugger, "off") == "no checkpoints are kept any more"


@pytest.mark.parametrize(
    ("pool", "run", "argument", "said"),
    [
        (Pool(FakeLine()), LiveRun, "many", "takes how many are kept at most, or off, not 'many'"),
        (Pool(FakeLine()), LiveRun, "0", "not '0'"),
        (Pool(FakeLine()), Run, "", "not running any more"),
        (Pool(), LiveRun, "", "of what goes on from one itself" if sys.platform == "linux" else "that takes Linux"),
    ],
)
def test_what_cannot_be(tmp_path: Path, pool: Pool, run: type[Run], argument: str, said: str) -> None:
    """One sentence says why."""
    with pytest.raises(UserError, match=said):
        checkpoints(_debugger(tmp_path / "x.tape", pool, run), argument)


def test_the_training_says_which_wait(tmp_path: Path) -> None:
    """In the pane and in its JSON; of a recording there is nothing to say."""
    examples.training(tmp_path / "x.tape", 40, off_at=30)
    debugger = Debugger.open(str(tmp_path / "x.tape"))
    assert "checkpoints" not in debugger_text("training", debugger, Style())
    assert '"checkpoints": null' in debugger_text("training", debugger, Style(is_json=True))
    debugger.run.checkpoints = Pool(FakeLine([FakeWaiting(12, head=170)]), 4, clock=lambda: -1.0)
    debugger.run.checkpoints.look()
    assert "checkpoints: 1 of at most 4 waits (iteration 12)" in debugger_text("training", debugger, Style())
    told = debugger_text("training", debugger, Style(is_json=True))
    assert '"waiting": [{"iteration": 12, "event": 170}]' in told
    debugger.close()
