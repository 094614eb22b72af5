"""On the screen: a recording that was only watched, and the run again that tells where the NaN was born."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gradb.debugger import why
from gradb.debugger.errors import UserError
from tests.e2e.gradb_process import WarmParts, gradb
from tests.tui.support import enter, opening, shown, text_of, wait_until

pytestmark = pytest.mark.e2e

_SCRIPT = """\
import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
with open("log.txt", "a") as log:
    for i in range(1, 61):
        optimizer.zero_grad()
        loss = (w - w.detach()).abs().sqrt().sum() if i == 40 else (w * w).sum()
        loss.backward()
        optimizer.step()
        log.write("line\\n")
"""


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the script forked that is run again."""
    monkeypatch.setattr(subprocess, "Popen", WarmParts)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Return a recording of losses and norms alone, of a script that writes a file."""
    (tmp_path / "train.py").write_text(_SCRIPT)
    done = gradb("record", "--record", "watch", "-o", "watched.tape", "train.py", cwd=tmp_path)
    assert done.code == 0, done.err
    return tmp_path / "watched.tape"


def _text(app: Any) -> str:
    """Return what is on the screen as one line, without the frames of boxes."""
    return " ".join(text_of(app).replace("│", " ").replace("▌", " ").split())


async def test_a_script_is_run_again_once_somebody_agrees(tape: Path) -> None:
    """The files are named first; y runs it, and its answer is laid over the screen with what it has in common."""
    app = opening(tape)
    async with shown(app, 150, 50) as pilot:
        await pilot.press("e")
        await wait_until(lambda: "y runs it again" in text_of(app))
        assert "only watched" in _text(app)
        assert "log.txt (opened for writing)" in _text(app)
        assert "Run it again?" in _text(app)
        await pilot.press("y")
        await wait_until(lambda: "was born at train.py:8" in _text(app))
        assert "in iteration" in _text(app) or "of iteration 40" in _text(app)
        assert "the script did the same" in _text(app)
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)
    assert (tape.parent / "log.txt").read_text().count("line") >= 60


async def test_nothing_is_run_where_nobody_agrees(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape leaves the offer; `why again` makes it anew."""
    ran: list[object] = []
    monkeypatch.setattr("gradb.debugger.why.run_again", lambda *given: ran.append(given))
    app = opening(tape)
    async with shown(app, 150, 50) as pilot:
        await pilot.press("e")
        await wait_until(lambda: "y runs it again" in text_of(app))
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)
        await enter(pilot, "why again")
        await wait_until(lambda: "y runs it again" in text_of(app))
        await pilot.press("escape")
        await wait_until(lambda: len(app.screen_stack) == 1)
    assert not ran


async def test_a_script_that_is_another_now_is_not_offered(tape: Path) -> None:
    """Why it cannot be run again stands where the offer would, wherever the path breaks the line."""
    (tape.parent / "train.py").write_text("print(1)\n")
    app = opening(tape)
    async with shown(app, 150, 50) as pilot:
        await pilot.press("e")
        await wait_until(lambda: "cannot be looked at closer" in _text(app))
        assert "not what it was when" in " ".join(re.sub("[^ -~]", " ", _text(app)).split())
        await pilot.press("y", "escape")
        await wait_until(lambda: len(app.screen_stack) == 1)


async def test_a_run_again_that_fails_is_told(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went wrong is said on the event line, and the screen goes on."""

    def failing(*_: object) -> why.Answer:
        raise UserError("it takes too long")

    monkeypatch.setattr("gradb.debugger.why.run_again", failing)
    app = opening(tape)
    async with shown(app, 150, 50) as pilot:
        await pilot.press("e")
        await wait_until(lambda: "y runs it again" in text_of(app))
        await pilot.press("y")
        await wait_until(lambda: "could not be run again: it takes too long" in _text(app))
