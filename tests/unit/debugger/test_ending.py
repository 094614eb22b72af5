"""What is said when a run is over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradb.debugger.ending import closing_lines, passing, untested
from gradb.frame.frame import RunInfo
from gradb.frame.reader import Tape
from gradb.rules.versions import TESTED
from tests.fakes.builder import TapeBuilder

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("torch", ["2.13.0", "2.14.1+cu130", "2.15.0a0+git12", "2.15.9", ""])
def test_a_tested_torch_is_not_mentioned(torch: str) -> None:
    """Every release between the oldest and the newest minor that gradb was run with is taken without a word."""
    assert untested(torch) == ""
    assert closing_lines(RunInfo("a.py", (), "", "", torch, "3.11", "finished")) == []


@pytest.mark.parametrize("torch", ["2.16.0", "2.16.0.dev20261101", "1.13.1", "3.0", "a version"])
def test_a_torch_outside_of_the_range_is_told_once(torch: str) -> None:
    """One sentence, which names the torch and the range."""
    (sentence,) = closing_lines(RunInfo("a.py", (), "", "", torch, "3.11", "finished"))
    assert sentence == untested(torch)
    assert sentence.startswith(f"torch {torch} is outside of what gradb was tested with (")


def test_the_range_is_the_one_that_is_declared() -> None:
    """The package asks for a torch from the oldest minor that was run up to the newest."""
    (oldest, below) = re.findall(r'"torch>=([\d.]+),<([\d.]+)"', (ROOT / "pyproject.toml").read_text())[0]
    (major, minor) = TESTED[1]
    assert oldest == ".".join(map(str, TESTED[0]))
    assert below == f"{major}.{minor + 1}"


@pytest.mark.parametrize(
    ("calls", "sentence"),
    [
        ([], ""),
        (["breakpoint()"], "breakpoint() was passed once, at script.py:31"),
        (["breakpoint()"] * 1200, "breakpoint() was passed 1,200 times, first at script.py:31"),
        (
            ["gradb.set_trace()", "breakpoint()"],
            "gradb.set_trace() and breakpoint() were passed 2 times, first at script.py:31",
        ),
    ],
)
def test_breakpoints_that_were_passed_are_counted(calls: list[str], sentence: str, tmp_path: Path) -> None:
    """One sentence has how many there were, and where the first stands."""
    with TapeBuilder(tmp_path / "a.tape") as builder:
        for line, call in enumerate(calls, 31):
            builder.breakpoint(line, call=call)
    with Tape.open(tmp_path / "a.tape") as tape:
        assert passing(tape) == (sentence and f"{sentence} (gradb SCRIPT pauses there)")
