from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from tests.tracer.recording import notes, record


def train() -> list[torch.Tensor]:
    """Train two iterations of Adam."""
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


def inner(tape: Tape) -> list[str]:
    """Return the ops of the optimizer phase."""
    events = [event for event in tape.events() if event.kind == "op" and event.phase == "optimizer"]
    assert all(event.is_quiet for event in events)
    return [event.name for event in events]


def test_a_step_is_one_event_unless_somebody_steps_into_it(tmp_path: Path) -> None:
    """The ops inside of a step are recorded, quiet, only for a person who goes through the script step by step."""
    free, one = record(tmp_path / "free.tape", train)
    stepped, other = record(tmp_path / "stepped.tape", train, is_stepping=True)
    assert notes(one) == notes(other) == []
    assert inner(one) == []
    names = inner(other)
    assert {"Tensor.lerp_", "Tensor.addcmul_", "Tensor.addcdiv_"} <= set(names)
    assert all(torch.equal(left, right) for left, right in zip(free, stepped, strict=True))
    assert sum(event.kind == "step" for event in other.events()) == 2


def test_the_last_inner_op_leaves_what_the_step_tells(tmp_path: Path) -> None:
    """What the update wrote into a parameter is what the step event has as its value after the step."""
    _, tape = record(tmp_path / "run.tape", train, is_stepping=True)
    step = next(event for event in tape.events() if event.kind == "step")
    detail = tape.detail(step.seq)
    assert isinstance(detail, StepDetail)
    updates = [tape.detail(event.seq) for event in tape.events(1, step.seq) if event.name == "Tensor.addcdiv_"]
    written = [update.outputs[0] for update in updates if isinstance(update, OpDetail)]
    assert [(tensor.id, tensor.value) for tensor in written] == [
        (parameter.id, parameter.value) for parameter in detail.parameters
    ]
