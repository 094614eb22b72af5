"""What is told line by line while a script runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradb.batch.plain import Walk
from gradb.batch.show import Style
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.link.spec import RunSpec
from tests.fakes import DEBUGGEE, TapeBuilder
from tests.unit.batch.test_plain import Example, recorded, told


def live(path: Path, example: Example, *mischief: str) -> Debugger:
    """Start a debuggee that plays the tape of an example."""
    example(path)
    spec = RunSpec("chain_rule.py", str(path.with_name("live.tape")))
    return Debugger.launch(spec, (sys.executable, DEBUGGEE, str(path), *mischief))


def test_live_is_told_as_its_recording(tmp_path: Path) -> None:
    """A script that runs gives the very lines that its tape gives."""
    whole = recorded(tmp_path / "a.tape", TapeBuilder.chain_rule_example)
    assert told(live(tmp_path / "a.tape", TapeBuilder.chain_rule_example)) == whole


def test_lines_come_while_the_script_runs(tmp_path: Path) -> None:
    """What was told is written before the script goes on."""
    debugger = live(tmp_path / "a.tape", TapeBuilder.chain_rule_example)
    heads: list[int] = []
    try:
        Walk(debugger, Style(), lambda text: heads.append(debugger.head)).run()
    finally:
        debugger.close()
    assert len(set(heads)) > 10


def test_a_script_that_never_began_is_a_sentence(tmp_path: Path) -> None:
    """There is nothing to tell then."""
    with pytest.raises(UserError, match="there is no torch here"):
        told(live(tmp_path / "a.tape", TapeBuilder.chain_rule_example, "refuse"))


def test_a_script_that_is_killed_is_told_to_there(tmp_path: Path) -> None:
    """What it had done, and how it ended."""
    text = told(live(tmp_path / "a.tape", TapeBuilder.chain_rule_example, "kill=3"))
    assert "event 2: b = 2 * a" in text
    assert "killed by SIGKILL" in text
