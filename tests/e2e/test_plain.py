"""A script told as text, in a process of its own: where there is no terminal, to its end, with its exit code."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.e2e.gradb_process import DEADLINE, GRADB, SCENARIOS, WarmProcess, bare, gradb

FREED = "carries_its_graph.py"


def test_without_a_terminal_a_scenario_is_told(tmp_path: Path) -> None:
    """The first command that one tries does its job in a pipe too, and leaves nothing behind."""
    done = gradb(SCENARIOS / "chain_rule.py", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("    ✓ agrees with the engine\n") == 4
    assert "    a.grad: None + [28 36 44 52] = [28 36 44 52]\n" in done.out
    assert "\n| tensor([28., 36., 44., 52.])\n" in done.out
    assert not list(tmp_path.iterdir())


def test_what_the_script_prints_and_how_it_ends_is_as_without_gradb() -> None:
    """Every line is there, marked by its stream; the error that ends it is explained on stderr."""
    without, done = bare(FREED), gradb("--plain", FREED)
    assert done.code == without.code == 1
    told = done.out.splitlines()
    assert [line.removeprefix("|! ") for line in told if line.startswith("|!")] == without.err.splitlines()
    assert [line[2:] for line in told if line.startswith("| ")] == without.out.splitlines()
    assert done.err.startswith("gradb: G102 backward through a graph that was freed")
    assert "finding: " not in done.out, "it is told once"


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    """As `head` does: no complaint, and the script is not left running."""
    words = [*GRADB, "--plain", str(SCENARIOS / "zero_grad.py")]
    with WarmProcess(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as told:
        assert told.stdout is not None
        assert told.stderr is not None
        assert told.stdout.readline().startswith("gradb tells ")
        told.stdout.close()
        assert told.stderr.read() == ""
        assert told.wait(DEADLINE) == 0
