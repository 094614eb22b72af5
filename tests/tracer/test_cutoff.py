"""Where a run ends that is wanted only up to an iteration: right after the step, before the script goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.tracer.recording.cutoff import Cutoff
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.watch.tracing import tracing
from tests.tracer.recording import begin, end

pytestmark = pytest.mark.torch

Step = Callable[[], None]


def _run(path: Path, last: int, iterate: Step, *, is_full: bool = True) -> tuple[list[int], Tape]:
    """Run six iterations; return at which event the process would have ended each time, and the tape."""
    recorder = begin(path, Gate(None, lambda head, request_seq: None))
    recorder.is_full = is_full
    interventions = Interventions(recorder)
    moments: list[int] = []
    Cutoff(recorder, interventions, last, lambda: moments.append(recorder.writer.head))
    with tracing(recorder, interventions, probe="never"):
        for _ in range(6):
            iterate()
    end(recorder)
    return moments, Tape.open(path)


def _one_optimizer() -> Step:
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1)

    def iterate() -> None:
        optimizer.zero_grad()
        layer(torch.ones(2)).sum().backward()
        optimizer.step()

    return iterate


def _two_optimizers() -> Step:
    steps = [_one_optimizer(), _one_optimizer()]

    def iterate() -> None:
        for step in steps:
            step()

    return iterate


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("make", [_one_optimizer, _two_optimizers])
def test_the_last_event_is_the_step(make: Callable[[], Step], is_full: bool, tmp_path: Path) -> None:
    """The process would end right behind the last step of the iteration, however many steps make one."""
    moments, tape = _run(tmp_path / "t.tape", 3, make(), is_full=is_full)
    last = tape.event(moments[0])
    following = next(event for event in tape.events(last.seq + 1) if event.kind in {"step", "loss", "backward_start"})
    assert (last.kind, last.iteration, following.iteration) == ("step", 3, 4)


def test_updates_by_hand(tmp_path: Path) -> None:
    """Without an optimizer an iteration is over when the next forward begins, and nothing of that is recorded."""
    weight = torch.ones(3, requires_grad=True)

    def iterate() -> None:
        (weight * 2).sum().backward()
        with torch.no_grad():
            assert weight.grad is not None
            weight.sub_(weight.grad, alpha=0.1)

    moments, tape = _run(tmp_path / "t.tape", 2, iterate)
    assert {event.iteration for event in tape.events(1, moments[0])} == {1, 2}
    assert tape.event(moments[0] + 1).iteration == 3


def test_a_run_that_has_no_such_iteration_goes_to_its_end(tmp_path: Path) -> None:
    """Nothing happens before the iteration is over."""
    moments, tape = _run(tmp_path / "t.tape", 6, _one_optimizer())
    assert max(event.iteration for event in tape.events() if event.kind == "step") == 6
    assert all(seq >= tape.head - 1 for seq in moments)
