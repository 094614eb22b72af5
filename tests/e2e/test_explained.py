"""An error that ends a script is explained after its traceback, and by whoever reads the tape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.gradb_process import Done, bare, gradb

SCRIPT = "carries_its_graph.py"
LINES = """\
gradb: G102 backward through a graph that was freed: h leads back into an older graph: made on line 6 in iteration 1, \
used on line 6; the backward() on line 8 in iteration 1 has freed it
    carries_its_graph.py:6, event 4: makes h, an output of TanhBackward0
    carries_its_graph.py:8, event 6: backward() frees what that graph saved
    carries_its_graph.py:6, event 16: uses h in the new graph
    carries_its_graph.py:6, event 26: TanhBackward0 has nothing left to compute its gradient from
    help: Detach h before it goes on into the next round; of a sum that is only printed, add loss.item()
"""


@pytest.fixture(scope="module")
def without() -> Done:
    """Return what the script leaves without gradb."""
    return bare(SCRIPT)


def test_record_explains_the_error_after_the_traceback(without: Done, tmp_path: Path) -> None:
    """The traceback stays as Python prints it, and so does the exit code."""
    done = gradb("record", "-o", tmp_path / "run.tape", SCRIPT)
    assert (done.code, done.out) == (without.code, without.out)
    assert done.err == without.err + LINES


def test_record_keeps_quiet_if_asked_to(without: Done, tmp_path: Path) -> None:
    """With the switch nothing is added."""
    done = gradb("record", "--no-explain", "-o", tmp_path / "run.tape", SCRIPT)
    assert (done.code, done.err) == (without.code, without.err)


def test_events_explain_the_error(tmp_path: Path) -> None:
    """The events of the error have it, where it was raised and where it ended the script; no other has."""
    gradb("record", "-o", tmp_path / "run.tape", SCRIPT)
    events = [json.loads(line) for line in gradb("events", tmp_path / "run.tape").out.splitlines()]
    raised, uncaught = [event for event in events if event["kind"] == "error"]
    assert not any("explanation" in event for event in events if event["kind"] != "error")
    found = uncaught["explanation"]
    assert raised["explanation"] == found
    assert (found["code"], found["severity"], found["line"], found["tensors"]) == ("G102", "error", 6, ["h"])
    assert [events[step["event"] - 1]["line"] for step in found["steps"]] == [6, 8, 6, 6]
    assert (found["event"], raised["uncaught"], uncaught["uncaught"]) == (raised["seq"], False, True)
