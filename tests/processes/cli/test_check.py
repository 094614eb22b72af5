"""The command that records a script and judges it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.cli import check
from gradb.link.spec import Intervention, RunSpec
from tests.unit.cli.test_check import Captured
from tests.unit.conftest import Tapes
from tests.unit.diagnosis.rows import alone


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with alone():
        yield


@pytest.fixture
def tape(tapes: Tapes) -> str:
    """Give the tape that is replayed."""
    return str(tapes("training"))


def test_a_script_is_recorded_and_judged(launched: list[RunSpec], script: str, capsys: Captured) -> None:
    """20 iterations of it; what it prints goes to stderr, and its tape is gone afterwards."""
    assert check.run(["--select", "G901", script, "--epochs", "3"]) == 1
    (spec,) = launched
    assert (spec.ends_after, spec.passes_output, spec.prints_to_stderr) == (20, True, True)
    assert (spec.arguments, spec.interventions) == (("--epochs", "3"), ())
    assert not Path(spec.tape).exists()
    assert capsys.readouterr().out.startswith("train.py:7: G901 w is there (3 times")


def test_all_steps_are_watched_after_the_first(launched: list[RunSpec], script: str) -> None:
    """Unless it was said what is to be recorded."""
    check.run(["--steps", "all", "--quiet", script])
    check.run(["--steps", "all", "--record", "full", script])
    check.run(["--steps", "7", script])
    assert [spec.ends_after for spec in launched] == [None, None, 7]
    assert launched[0].interventions == (Intervention("record", "watch", 21),)
    assert launched[1].interventions == launched[2].interventions == ()
    assert [spec.passes_output for spec in launched] == [False, True, True]


def test_the_tape_is_kept_on_request(launched: list[RunSpec], script: str, tmp_path: Path) -> None:
    """It can be looked at then."""
    check.run(["-o", str(tmp_path / "kept.tape"), script])
    assert (tmp_path / "kept.tape").stat().st_size
