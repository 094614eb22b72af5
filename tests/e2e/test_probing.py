"""A script that waits at a node is probed, and goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.gradb_process import gradb

SCRIPT = Path(__file__).with_name("scripts") / "probed.py"

COMMANDS = (
    "until kind node; until node CubeBackward",
    "probe; expect event.kind == 'probe'; show chain",
    "until node MmBackward0; probe row out[1,0]; probe column A[0,2]; probe random; show chain",
    "back; expect event.what == 'column'; back; back; expect event.kind == 'node'",
    "head; finish; show output",
)


def test_a_held_node_is_probed() -> None:
    """The answers are events, shown at their node; the script's numbers are those of a run without it."""
    done = gradb("run", "-e", "; ".join(COMMANDS), SCRIPT)
    assert (done.code, done.err) == (0, "")
    assert "gradb ran the script's own code for this" in done.out
    assert "── asked: row out[1,0]: 1 there upstream, 0 elsewhere" in done.out
    assert "∂out/∂A[0,2]" in done.out
    assert "✓ linear, as a derivative is" in done.out
    bare = gradb("run", "-e", "finish; show output", SCRIPT)
    assert done.out.endswith(bare.out)


@pytest.mark.parametrize(
    ("commands", "clause"),
    [
        ("until kind op; probe", "`probe` works at a node that is about to run or has just run"),
        ("until node MmBackward0; until kind node; back; probe", "the script is held at event"),
    ],
)
def test_what_cannot_be_probed(commands: str, clause: str) -> None:
    """Where there is no node that is held, one sentence says so."""
    done = gradb("run", "-e", commands, SCRIPT)
    assert done.code == 2
    assert clause in done.err
