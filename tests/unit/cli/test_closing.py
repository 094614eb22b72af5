"""What is said of recordings that are not whole, by `compare` and by a ghost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.cli.main import main
from gradb.debugger.ghost import Ghost
from tests.fakes import TapeBuilder, examples

WHY = "OSError: no space left"
Captured = pytest.CaptureFixture[str]


def write_stopped(path: Path) -> None:
    """Write the tape of a recording that ended after its second loss, before its script."""
    with TapeBuilder(path) as tape:
        for loss in (3.0, 2.0):
            tape.loss("loss", loss, line=1)
            tape.iteration += 1
        tape.stop(WHY)
        tape.end()


@pytest.fixture
def whole(tmp_path: Path) -> str:
    """Return the tape of three iterations."""
    examples.training(tmp_path / "whole.tape")
    return str(tmp_path / "whole.tape")


@pytest.fixture
def stopped(tmp_path: Path) -> str:
    """Return the tape of a recording that ended after its second loss, before its script."""
    write_stopped(tmp_path / "stopped.tape")
    return str(tmp_path / "stopped.tape")


@pytest.fixture
def gap(tmp_path: Path) -> str:
    """Return a tape on which one step is lost, and counted."""
    with TapeBuilder(tmp_path / "gap.tape") as tape:
        for loss in (3.0, 2.0):
            tape.loss("loss", loss, line=1)
            tape.iteration += 1
        tape.lose("a step", "ValueError: odd", "values")
        tape.set_run(failures=json.dumps([["a step", "ValueError: odd", True, 1]]))
        tape.end()
    return str(tmp_path / "gap.tape")


ENDED = f"! stopped.tape: not recorded since event 2: {WHY}"
LOST = "! gap.tape: 1 event was not recorded, a step (ValueError: odd); the recording is otherwise whole"


def test_compare_says_what_either_recording_lacks(stopped: str, gap: str, capsys: Captured) -> None:
    """The verdict goes as far as was recorded, and what is missing is said of each."""
    assert main(["compare", "--width", "120", stopped, gap]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "as far as was recorded: the losses are identical, bit by bit: 2 iterations"
    assert lines[1:3] == [ENDED, LOST]


def test_compare_says_it_as_json(stopped: str, gap: str, whole: str, capsys: Captured) -> None:
    """In sentences, of each run; none where it is whole."""
    assert main(["compare", "--json", stopped, gap]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [[f"! {run['label']}: {one}" for one in run["not_recorded"]] for run in found["runs"]] == [[ENDED], [LOST]]
    assert main(["compare", "--json", whole, whole]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["not_recorded"] for run in found["runs"]] == [[], []]
    assert found["verdict"].startswith("the losses are identical")


def test_compare_says_that_a_tape_has_no_end(whole: str, tmp_path: Path, capsys: Captured) -> None:
    """It was cut off, or still goes on."""
    with TapeBuilder(tmp_path / "cut.tape") as tape:
        tape.loss("loss", 3.0, line=1)
    assert main(["compare", "--width", "160", whole, str(tmp_path / "cut.tape")]) == 0
    assert "! cut.tape: not recorded since event 1: the recording has no end" in capsys.readouterr().out


def test_a_ghost_says_what_it_lacks(stopped: str) -> None:
    """Its losses are drawn as if they were all."""
    ghost = Ghost.open(stopped)
    assert ghost.note(()) == f"of the ghost: not recorded since event 2: {WHY}"
    ghost.close()
