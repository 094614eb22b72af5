"""What is said of a recording that is not whole when the app has ended."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from gradb.cli import pick, screen
from gradb.cli.recent import Recent
from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from gradb.tui.picker import PickerScreen
from tests.tui.support import there, wait_until
from tests.unit.cli.test_closing import WHY, write_stopped

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def stopped(tmp_path: Path) -> str:
    """Return the tape of a recording that ended after its second loss, before its script."""
    write_stopped(tmp_path / "stopped.tape")
    return str(tmp_path / "stopped.tape")


def _chosen(app: App[Any]) -> str:
    """Return the path of what is highlighted, or nothing."""
    return app.screen._chosen.path if isinstance(app.screen, PickerScreen) and app.screen._chosen is not None else ""


@pytest.fixture(autouse=True)
def _headless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app run without a terminal, and leave it with a key; first it picks what is offered."""
    run = GradbApp.run

    async def leave(pilot: Pilot[Any]) -> None:
        app = pilot.app
        if isinstance(app.screen, PickerScreen):
            await wait_until(lambda: _chosen(app).endswith("stopped.tape"))  # it comes behind the first paint
            await pilot.press("enter")
        await there(app)
        await pilot.press("q")

    monkeypatch.setattr(GradbApp, "run", lambda app: run(app, headless=True, auto_pilot=leave))
    monkeypatch.setattr(screen, "check_terminal", lambda: None)


@pytest.mark.parametrize("is_picked", [False, True])
def test_the_app_closes_with_the_sentences_of_record(
    stopped: str, is_picked: bool, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Whether a recording was named or picked, stderr says what it lacks once the app is gone."""
    if is_picked:
        monkeypatch.setattr(pick, "recents", lambda: [Recent(stopped)])
        assert pick.run(Namespace(theme="dark")) == 0
    else:
        assert screen.show_screen(lambda: Debugger.open(stopped), "script.py", "dark") == 0
    assert capsys.readouterr().err == f"gradb: not recorded since event 2: {WHY}\n"


def test_the_app_closes_without_a_word_where_all_is_recorded(chain_tape: Path, capsys: Captured) -> None:
    """There is nothing to say."""
    assert screen.show_screen(lambda: Debugger.open(str(chain_tape)), "script.py", "dark") == 0
    assert capsys.readouterr().err == ""
