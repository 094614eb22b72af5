"""The ghost: what it runs, how it ends, and what is said of the comparison."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.ghost import Ghost, ghost_spec, other_policy
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.stops import Stop
from tests.fakes import DEBUGGEE, TapeBuilder
from tests.unit.conftest import Tapes
from tests.unit.debugger.conftest import PATIENCE, Live, Recorded
from tests.unit.debugger.test_live import is_alive


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


def test_the_second_run_has_the_other_policy_and_all_else_the_same(recorded: Recorded) -> None:
    """Script, arguments, seed and learning rates are those of the first run; it is only watched, and never pauses."""
    changes = (Intervention("lr", "1e-4", 300), Intervention("zero_grad", "on", 5), Intervention("record", "watch", 9))
    spec = RunSpec("t.py", "a.tape", arguments=("-x",), breakpoints=(Stop("at", "3"),), seed=7, interventions=changes)
    made = ghost_spec(spec, "off", recorded("training").training(), "b.tape")
    assert (made.script, made.arguments, made.seed, made.tape) == ("t.py", ("-x",), 7, "b.tape")
    assert made.interventions == (
        Intervention("zero_grad", "off"),
        Intervention("record", "watch"),
        Intervention("lr", "1e-4", 300),
    )
    assert (made.is_paused_at_start, made.breakpoints, made.passes_output) == (False, (), False)


def test_rates_changed_on_the_way_are_the_ghosts_too(tmp_path: Path) -> None:
    """A learning rate that the user set in the first run holds in the second from the same iteration on."""
    with TapeBuilder(tmp_path / "a.tape") as tape:
        tape.iteration = 12
        tape.intervene("lr", "0.5")
    debugger = Debugger.open(str(tmp_path / "a.tape"))
    made = ghost_spec(RunSpec("t.py", "a.tape"), "off", debugger.training(), "b.tape")
    debugger.close()
    assert Intervention("lr", "0.5", 12) in made.interventions


def test_the_other_policy(tmp_path: Path) -> None:
    """Off is compared with the script as it is written, anything else with off."""
    assert other_policy(None) == "off"
    with TapeBuilder(tmp_path / "a.tape") as tape:
        for word, expected in (("off", "script"), ("on", "off"), ("script", "off")):
            tape.intervene("zero_grad", word)
            tape.commit()
            debugger = Debugger.open(str(tmp_path / "a.tape"))
            assert other_policy(debugger.training()) == expected
            debugger.close()


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


def test_a_recording_has_no_ghost_but_another_recording(recorded: Recorded) -> None:
    """What has no script to run says how recordings are compared."""
    with pytest.raises(UserError, match=r"this is a recording.*gradb compare A.tape B.tape"):
        Ghost.launch(recorded("training"))
