"""The command that runs gradb on an accelerator: what it says without one, and its parts on the CPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.device import __main__ as device, checks
from tests.device.checks import Done, Row, paused, same_bits, timed
from tests.e2e.gradb_process import bare, gradb

pytestmark = pytest.mark.torch


@pytest.fixture
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the checks' scripts forked from a process that has torch."""

    def run(*words: str | Path) -> Done:
        is_gradb = words[:2] == ("-m", "gradb")
        done = gradb(*words[2:], cwd=checks.HERE) if is_gradb else bare(*words, cwd=checks.HERE)
        return Done(done.code, done.out, done.err)

    monkeypatch.setattr(checks, "run", run)
    for name, value in checks.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_without_an_accelerator_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is run, and that is no failure."""
    monkeypatch.setattr(device, "find", lambda: None)
    assert device.main([]) == 0
    assert "no accelerator" in capsys.readouterr().out


@pytest.mark.usefixtures("_forked")
def test_a_training_in_mixed_precision_has_the_same_bits(tmp_path: Path) -> None:
    """On the CPU, where this is run."""
    assert same_bits(tmp_path, "training.py", "cpu").startswith("same bits (")


@pytest.mark.usefixtures("_forked")
def test_a_training_is_held_and_steps_on(tmp_path: Path) -> None:
    """On the CPU nodes run on the calling thread."""
    assert paused(tmp_path, "cpu").startswith("held 6 times, on the calling thread")


@pytest.mark.usefixtures("_forked")
def test_other_results_are_a_failure(tmp_path: Path) -> None:
    """A script that prints something else each time fails the check, and one that cannot run is not counted."""
    script = tmp_path / "clock.py"
    script.write_text("import time\nprint(time.perf_counter_ns())\n")
    row = timed("clock", lambda: same_bits(tmp_path, script))
    assert not row.is_good
    assert row.result.startswith("FAILED: other results than bare")
    script.write_text("raise SystemExit('not here')\n")
    assert (
        timed("none", lambda: same_bits(tmp_path, script)).result == "not run: the bare script fails there (not here)"
    )


def test_the_table_and_the_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One row a check; a failure is an exit code."""
    rows = [Row("scenario mlp", "same bits", 2.0), Row("pausing", "FAILED: no", 3.0, is_good=False)]
    monkeypatch.setattr(device, "run_all", lambda name, *, is_quick: rows)
    assert device.main(["--device", "cpu"]) == 1
    assert "| pausing | FAILED: no | 3 |" in capsys.readouterr().out
