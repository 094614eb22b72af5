from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
import torch
from torch import nn

from gradb.link.spec import Change
from gradb.tracer.steps import StepWatch
from tests.tracer.recording import notes, record


def train() -> list[float]:
    """Train three iterations and return the losses."""
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(torch.ones(1, 2)).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _broken(*_: object) -> NoReturn:
    raise ZeroDivisionError("a bug in gradb")


def test_a_bug_in_gradb_costs_one_event_each_and_not_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be recorded is a note in its place, of which the first is to be seen; all else is there."""
    plain = train()
    monkeypatch.setattr(StepWatch, "_record", _broken)
    losses, tape = record(tmp_path / "run.tape", train)
    assert losses == plain
    told = [event for event in tape.events() if event.kind == "note"]
    assert len(told) == 3
    assert [event.is_quiet for event in told] == [False, True, True]
    assert "a step not recorded here: ZeroDivisionError: a bug in gradb (steps.py:" in notes(tape)[0]
    assert sum(event.kind == "backward_end" for event in tape.events()) == 3


def test_autograd_grad_clears_nothing(tmp_path: Path) -> None:
    """Under the policy on, gradients that a step has used are cleared before a backward, not before autograd.grad."""

    def script() -> tuple[bool, bool]:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        (w * 2).sum().backward()
        optimizer.step()
        torch.autograd.grad((w * 3).sum(), w)
        is_kept = w.grad is not None
        (w * 5).sum().backward()
        return is_kept, torch.equal(w.grad, torch.full((2,), 5.0))  # type: ignore[arg-type]

    assert record(tmp_path / "run.tape", script, changes=[Change("zero_grad", "on")])[0] == (True, True)
