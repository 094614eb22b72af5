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


@pytest.mark.parametrize("what", ["zero_grad", "lr", None])
def test_a_bug_in_gradb_ends_the_recording_and_not_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str | None
) -> None:
    """The script goes on as it is written, and the tape says once that it does, and what of ours has ended with it."""
    plain = train()
    monkeypatch.setattr(StepWatch, "_record", _broken)
    changes = [] if what is None else [Change("zero_grad", "off") if what == "zero_grad" else Change("lr", "0.5")]
    losses, tape = record(tmp_path / "run.tape", train, changes=changes)
    (note,) = notes(tape)
    assert "gradb stopped recording after an error of its own: ZeroDivisionError: a bug in gradb (" in note
    assert ("the script's own again" in note) is (what is not None)
    assert len(losses) == 3
    if what is None:
        assert losses == plain


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
