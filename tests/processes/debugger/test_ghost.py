"""A ghost that runs beside the script."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.debugger.ghost import Ghost
from tests.fakes import DEBUGGEE, TapeBuilder
from tests.processes.debugger.conftest import PATIENCE, Live
from tests.processes.debugger.test_live import is_alive
from tests.unit.conftest import Tapes


@pytest.fixture
def ghosts() -> Iterator[list[Ghost]]:
    """Give a list whose ghosts are closed in the end."""
    made: list[Ghost] = []
    yield made
    for ghost in made:
        ghost.close()


def pump_until(ghost: Ghost, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        ghost.pump()
        time.sleep(0.005)


def test_a_ghost_runs_beside_the_script(live: Live, ghosts: list[Ghost]) -> None:
    """It runs to its end on a tape of its own, while the first run stays where it is; its tape goes with it."""
    debugger = live("training")
    ghosts.append(ghost := Ghost.launch(debugger))
    assert (ghost.label, ghost.is_running, ghost.series) == ("zero_grad off", True, ())
    assert ghost.note(()) == "no --seed was given: initialisations may differ"
    pump_until(ghost, lambda: not ghost.is_running)
    assert [one.count for one in ghost.series if one.kind == "loss"] == [3]
    assert ghost.run.tape is not None
    assert [mark.value for mark in ghost.run.tape.frame(ghost.run.head).training.marks] == ["off", "watch"]
    assert (debugger.position, debugger.head, debugger.is_running) == (0, 0, False)
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    training = debugger.training()
    assert training is not None
    assert ghost.note(training.series) == ""
    folder = Path(ghost.run.path).parent
    ghost.close()
    ghost.close()
    assert not folder.exists()


def test_different_beginnings_are_the_seeds(live: Live, tmp_path: Path, ghosts: list[Ghost]) -> None:
    """Where the first losses differ and no seed was given, one is to be given; a recording has no such remedy."""
    with TapeBuilder(tmp_path / "other.tape") as tape:
        tape.loss("loss", 7.0, 7)
        tape.end()
    ghosts.append(other := Ghost.open(str(tmp_path / "other.tape")))
    assert (other.label, other.is_running) == ("other.tape", False)
    ghosts.append(ghost := Ghost.launch(live("training")))
    pump_until(ghost, lambda: not ghost.is_running)
    assert ghost.note(other.series) == "no --seed was given: give one, so that both begin alike"
    assert other.note(ghost.series) == ""


@pytest.mark.parametrize(
    ("mischief", "sentence"),
    [("kill=9", "the ghost ended: killed by SIGKILL"), ("exit=9", "the ghost ended: exit code 3"),
     ("refuse", "the ghost ended: there is no torch here")],
)  # fmt: skip
def test_how_a_ghost_ended_is_told(mischief: str, sentence: str, tapes: Tapes, live: Live, ghosts: list[Ghost]) -> None:
    """A ghost that fails says how, and the first run does not mind."""
    debugger = live("training")
    command = (sys.executable, DEBUGGEE, str(tapes("training")), mischief)
    debugger.run.command = command
    ghosts.append(ghost := Ghost.launch(debugger))
    pump_until(ghost, lambda: not ghost.is_running)
    assert ghost.note(()).startswith(sentence)
    assert debugger.is_live


def test_breakpoints_that_a_ghost_has_passed_are_told(live: Live, ghosts: list[Ghost]) -> None:
    """Nobody can go on from a breakpoint of the script's own in the second run, so it is passed, and that is said."""
    ghosts.append(ghost := Ghost.launch(live("paused")))
    pump_until(ghost, lambda: not ghost.is_running)
    assert "of the ghost: breakpoint() was passed 2 times" in ghost.note(())


def test_closing_ends_the_ghost_and_its_children(live: Live, ghosts: list[Ghost], tapes: Tapes) -> None:
    """A ghost that loops for ever leaves nothing behind."""
    debugger = live("training")
    debugger.run.command = (
        sys.executable, DEBUGGEE, str(tapes("training")), "child=3", "spin=9",
    )  # fmt: skip
    ghosts.append(ghost := Ghost.launch(debugger))
    live_run = ghost.run._live
    assert live_run is not None
    pump_until(ghost, live_run.debuggee.strays.texts)
    ((_, text),) = live_run.debuggee.strays.texts()
    ghost.close()
    deadline = time.monotonic() + PATIENCE
    while is_alive(int(text.removeprefix("child "))):
        assert time.monotonic() < deadline
        time.sleep(0.01)
