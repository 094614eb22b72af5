"""The benchmark command works; what it measures is nobody's business here."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from tests.bench.__main__ import main
from tests.bench.cases import WORKLOADS
from tests.e2e.gradb_process import ROOT, WarmProcess, bare, start_server


def test_benchmark_prints_its_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One round of one workload gives a table with the machine and a ratio with its range for each column."""
    columns = ("bare", "watch", "full", "detect_anomaly")
    start_server()
    monkeypatch.setattr(subprocess, "Popen", WarmProcess)
    monkeypatch.setitem(WORKLOADS, "w4", replace(WORKLOADS["w4"], quick=300))
    main(["--quick", "--repeat", "1", "w4"])
    title, _, head, _, row = capsys.readouterr().out.splitlines()
    assert "cores" in title
    assert "torch" in title
    assert [cell.strip() for cell in head.strip("|").split("|")][2:6] == [*columns]
    assert head.count("|") == row.count("|")
    assert row.startswith("| W4")
    assert row.count(" to ") == row.count("wall") - 1 == 3


def test_benchmark_refuses_what_it_does_not_know() -> None:
    """A column or a workload that there is not is one sentence and exit code 2."""
    for words in (["--columns", "bare,sideways"], ["w9"]):
        done = bare("-m", "tests.bench", *words, cwd=ROOT)
        assert (done.code, done.out) == (2, "")
        assert "there are" in done.err
