"""``breakpoint()`` and ``gradb.set_trace()`` in a script: where they pause, where they are passed, and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.gradb_process import SCRIPTS, forked, gradb

SCRIPT = "has_breakpoints.py"
TEXT = (SCRIPTS / SCRIPT).read_text().splitlines()
LINES = [number for number, line in enumerate(TEXT, 1) if "breakpoint(" in line or "set_trace(" in line][:2]
PASSED = (
    f"gradb: breakpoint() and gradb.set_trace() were passed 6 times, first at {SCRIPT}:{LINES[0]}"
    " (gradb SCRIPT pauses there)\n"
)


def events(tape: Path) -> list[dict[str, object]]:
    """Return the events of a tape."""
    return [json.loads(line) for line in gradb("events", tape).out.splitlines()]


def test_a_recording_has_the_positions_of_a_live_run(tmp_path: Path) -> None:
    """Live, `continue` pauses at each of them; a recording has the same events at the same positions."""
    live, recorded = tmp_path / "live.tape", tmp_path / "recorded.tape"
    stops = "".join(
        f"continue; expect event.kind == 'breakpoint'; expect event.line == {line};" for _ in range(3) for line in LINES
    )
    done = gradb("run", "-o", live, "-e", f"{stops} continue; expect event.kind == 'end'", SCRIPT)
    assert (done.code, done.err) == (0, "")
    done = gradb("record", "-o", recorded, SCRIPT)
    assert (done.code, done.err) == (0, PASSED)
    assert events(live) == events(recorded)
    back = (
        f"finish; reverse-continue; expect event.line == {LINES[1]}; reverse-continue; expect event.line == {LINES[0]};"
    )
    done = gradb("run", "-e", f"{back} expect event.header == 'iteration 2'; start; {stops}", recorded)
    assert (done.code, done.err) == (0, "")


def test_a_condition_that_makes_no_sense_moves_no_position(tmp_path: Path) -> None:
    """The events of a live run are those of a recording; what is wrong is told once, and in the list."""
    script, live, recorded = tmp_path / "two.py", tmp_path / "live.tape", tmp_path / "recorded.tape"
    script.write_text(
        "import torch\na = torch.ones(2, requires_grad=True)\nfor _ in range(2):\n    a.exp().sum().backward()\n"
    )
    why = "node exp if upstream > 1: counted as false somewhere: only single numbers are smaller or larger than others"
    said = "break node exp if upstream > 1; continue; start; continue; breakpoints"
    done = gradb("run", "-o", live, "-e", said, script)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1:] == [f"breakpoint 1: {why}", f"1 ◉ {why}".replace(": counted", "  0 hits, counted")]
    assert gradb("record", "-o", recorded, script).code == 0
    assert events(live) == events(recorded)


def test_what_the_script_computes_is_the_same(tmp_path: Path) -> None:
    """Every bit that it prints is, and what its forked child does, held at each breakpoint or recorded."""
    plain = forked(SCRIPT, env={"PYTHONBREAKPOINT": "0"})
    assert plain.out.splitlines()[-1] == "the child ended with 7"
    assert gradb("record", "-o", tmp_path / "a.tape", SCRIPT).out == plain.out
    assert gradb("run", "-e", f"{'continue;' * 7} show output", SCRIPT).out.split() == plain.out.split()


def test_pythonbreakpoint_is_respected(tmp_path: Path) -> None:
    """With 0 `breakpoint()` does nothing; `gradb.set_trace()` does not ask for it."""
    tape = tmp_path / "a.tape"
    done = forked("gradb", "record", "-o", tape, SCRIPT, env={"PYTHONBREAKPOINT": "0"})
    assert done.code == 0
    assert done.err.startswith("gradb: gradb.set_trace() was passed 3 times, ")
    assert [event["line"] for event in events(tape) if event["kind"] == "breakpoint"] == [LINES[1]] * 3


@pytest.mark.parametrize(
    ("words", "code", "count"), [(("check",), 0, "6 times"), (("why",), 1, "6 times"), (("gradcheck",), 0, "once")]
)
def test_where_nobody_can_go_on_it_is_told_once(words: tuple[str, ...], code: int, count: str) -> None:
    """Each command that runs a script to its end passes them and says so in one sentence."""
    done = gradb(*words, SCRIPT)
    assert done.code == code
    (said,) = [line for line in done.err.splitlines() if line.startswith("gradb: ")]
    assert f"passed {count}" in said


def test_pdb_finds_its_input_empty_and_does_not_hang(tmp_path: Path) -> None:
    """A script that starts pdb by itself ends as with an empty standard input: by BdbQuit."""
    script = tmp_path / "by_hand.py"
    script.write_text("import pdb\n\npdb.set_trace()\nprint('not reached')\n")
    done = gradb("record", "-o", tmp_path / "a.tape", script)
    assert done.code == 1
    assert done.err.splitlines()[-1] == "bdb.BdbQuit"
    assert "not reached" not in done.out.splitlines()
