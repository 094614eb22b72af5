"""The benchmark command works; what it measures is nobody's business here."""

from __future__ import annotations

import sys

from tests.e2e.gradb_process import ROOT, run


def test_benchmark_prints_its_table() -> None:
    """One pair of one workload gives a table with the machine, the ratio and its range."""
    done = run(sys.executable, "-m", "tests.bench", "--quick", "--repeat", "1", "w4", cwd=ROOT)
    assert done.code == 0, done.err
    title, _, head, _, row = done.out.splitlines()
    assert "cores" in title
    assert "torch" in title
    assert head.count("|") == row.count("|")
    assert row.startswith("| W4")
