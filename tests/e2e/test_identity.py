"""Recording changes no number: what a script computes is the same, bit for bit, with and without gradb."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.gradb_process import SCENARIOS, Done, bare, gradb


def assert_identical(tmp_path: Path, *words: str | Path) -> None:
    """Assert that a script that prints hashes of all it computed prints the same ones when recorded."""
    assert_same_output(gradb("record", "-o", tmp_path / "run.tape", *words), bare(*words))


def assert_same_output(done: Done, plain: Done) -> None:
    """Assert that a recorded run printed what the bare one did, and that that was something."""
    assert plain.code == 0, plain.err
    assert plain.out.count("\n") > 2
    assert (done.code, done.out, done.err) == (plain.code, plain.out, plain.err)


def test_scenarios_are_bit_identical(tmp_path: Path) -> None:
    """Values, gradients, version counters and random states that each scenario leaves are the same."""
    paths = [path for path in sorted(SCENARIOS.glob("*.py")) if path.stem != "zero_grad"]
    done = gradb("record", "-o", tmp_path / "run.tape", "identity_of_scenario.py", *paths)
    assert_same_output(done, bare("identity_of_scenario.py", *paths))
    assert done.out.count("scenarios/") == len(paths)


def test_a_scenario_that_goes_on_for_long_is_bit_identical(tmp_path: Path) -> None:
    """The same of the one that trains, 300 iterations of it, recorded in full and then watched."""
    text = (SCENARIOS / "zero_grad.py").read_text()
    assert text.count("5001") == 1
    path = tmp_path / "zero_grad.py"
    path.write_text(text.replace("5001", "301"))
    words = ("-o", tmp_path / "run.tape", "--record", "full@1-100")
    done = gradb("record", *words, "identity_of_scenario.py", path)
    assert_same_output(done, bare("identity_of_scenario.py", path))
    assert done.out.count("zero_grad.py") == 1


def test_training_is_bit_identical(tmp_path: Path) -> None:
    """Losses, gradients, weights, optimizer state and random states of an MLP training are the same."""
    assert_identical(tmp_path, "identity_of_training.py")


def test_recording_twice_gives_the_same_events(tmp_path: Path) -> None:
    """Two recordings of one script hold the same events, so that a command script means the same each time.

    Only what is quiet may differ: ``torch.empty`` gives whatever lay in memory.
    """
    recordings = []
    for name in ("one.tape", "two.tape"):
        assert gradb("record", "-o", tmp_path / name, SCENARIOS / "mlp.py").code == 0
        events = [json.loads(line) for line in gradb("events", tmp_path / name).out.splitlines()]
        recordings.append([event for event in events if event["kind"] != "leaf" and not event["quiet"]])
    assert recordings[0] == recordings[1]
    assert len(recordings[0]) > 50
