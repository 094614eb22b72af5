"""How often the run is judged while it is looked at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.present.options import Options
from gradb.tui.judging import JudgingView, found_alone, marks_of
from tests.fakes import examples


@pytest.fixture
def debugger(tmp_path: Path) -> Iterator[Debugger]:
    """Twenty iterations, recorded."""
    examples.training(tmp_path / "train.tape", 20)
    opened = Debugger.open(str(tmp_path / "train.tape"))
    yield opened
    opened.close()


def ready() -> JudgingView:
    """Return a view that has the rules."""
    view = JudgingView()
    while not view.is_ready():
        time.sleep(0.001)
    return view


def test_a_script_that_runs_is_judged_once_a_second(debugger: Debugger, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that stands still as soon as there is time."""
    looks: list[float | None] = []
    monkeypatch.setattr(debugger.judging, "look", lambda tape, seconds: looks.append(seconds))
    monkeypatch.setattr(debugger.run, "is_running", True)
    view = ready()
    for tenth in range(21):
        view.update(Options(), debugger, tenth / 10)
    assert len(looks) == 3
    assert all(seconds is not None and seconds < 0.02 for seconds in looks)
    monkeypatch.setattr(debugger.run, "is_running", False)
    for tenth in range(21, 25):
        view.update(Options(), debugger, tenth / 10)
    assert len(looks) == 7


def test_what_is_judged_is_not_judged_again(debugger: Debugger, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as nothing more is recorded, the options are the very same."""
    view, options = ready(), Options()
    while options.judged is None or options.judged.position < debugger.head:
        options = view.update(options, debugger, 0.0)
    options = view.update(options, debugger, 0.0)
    monkeypatch.setattr(type(debugger.judging), "look", None)
    assert view.update(options, debugger, 9.0) is options


def test_panes_that_show_no_more_are_not_drawn_for_it(debugger: Debugger) -> None:
    """How far was judged is nothing to the training pane."""
    judged = debugger.judged()
    assert judged is not None
    alone = found_alone(judged)
    assert alone is not None
    assert (alone.found, alone.position) == (judged.found, 0)
    assert found_alone(None) is None
    assert marks_of(None) == ()
    assert marks_of(judged) == tuple(fault.finding.event for fault in judged.found)
