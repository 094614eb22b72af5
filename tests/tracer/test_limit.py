"""A run that is to go no further than some iterations is held at the backward after them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.limit import Limit
from gradb.tracer.watch.tracing import tracing
from tests.tracer import recording


def _train() -> None:
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("iterations", [1, 3, 4])
def test_held_at_the_backward_after_them(tmp_path: Path, iterations: int) -> None:
    """At each backward from there on the script waits to be ended; one that has no more iterations never does."""
    held: list[int] = []

    def let_go(head: int, request_seq: int) -> None:
        held.append(head)
        gate.release(None)

    gate = Gate(None, let_go)
    path = tmp_path / "limit.tape"
    recorder = recording.begin(path, gate)
    Limit(recorder, iterations)
    try:
        with tracing(recorder, Interventions(recorder, ())):
            _train()
    finally:
        recording.end(recorder)
    with contextlib.closing(Tape.open(path)) as tape:
        later = [one for one in tape.events() if one.kind == "backward_start" and one.iteration > iterations]
        assert held == [one.seq for one in later]
        assert len(later) == 4 - iterations
        assert tape.fact("ended_after") == (str(iterations) if later else None)
