"""A running script is looked into: the calls of one op and one node, and of nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.gradb_process import gradb

pytestmark = pytest.mark.torch

SCRIPT = """\
import torch
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
b = torch.tensor([[5.0, 6.0], [7.0, 8.0]], requires_grad=True)
c = a @ b
out = c.sum()
out.backward()
"""
COMMANDS = """\
step 2; into
expect event.name == "aten.mm.default"
expect event.line == 4
out
expect event.name == "MmBackward0"
step
expect event.name == "SumBackward0"
until node Sum
event
expect event.kind == "node_start"
into 4
expect event.name == "aten.mm.default"
show aten
step
expect event.kind == "node"
finish
expect a.grad == [[11, 15], [11, 15]]
"""


def test_into_a_running_script(tmp_path: Path) -> None:
    """`into` stops at each call of the node that runs, with the numbers; the steps around it record no call."""
    script, tape = tmp_path / "script.py", tmp_path / "run.tape"
    script.write_text(SCRIPT)
    done = gradb("run", "-o", tape, "-e", COMMANDS.replace("\n", ";"), script)
    assert (done.code, done.err) == (0, "")
    assert "▶ #4  aten.mm.default(upstream, #3)" in done.out
    assert "MmBackward0 has made 4 ATen calls so far" in done.out
    events = [json.loads(line) for line in gradb("events", tape).out.splitlines()]
    calls = [event for event in events if event["kind"] == "aten"]
    assert [call["function"] for call in calls] == ["aten.mm.default"] + ["aten.t.default", "aten.mm.default"] * 2
    assert calls[-1]["outputs"][0]["values"] == [11.0, 15.0, 11.0, 15.0]
