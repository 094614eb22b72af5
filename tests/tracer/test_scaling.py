"""GradScaler under the tracer, where it scales and where it is switched off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def _training(scaler: Any, losses_of: Callable[[torch.Tensor], Any] = lambda loss: loss) -> Callable[[], list[float]]:
    def train() -> list[float]:
        weight = torch.tensor([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        for _ in range(2):
            scaled = scaler.scale(losses_of((weight * weight).sum()))
            for loss in scaled if isinstance(scaled, (list, tuple)) else [scaled]:
                loss.backward()
            scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        return weight.tolist()

    return train


@pytest.mark.parametrize("losses_of", [lambda loss: loss, lambda loss: [loss]])
def test_a_scaler_that_is_off_passes_the_loss_through(tmp_path: Path, losses_of: Any) -> None:
    """Every part of each iteration is recorded, and nothing is called scaled."""
    train = _training(torch.amp.GradScaler("cpu", enabled=False), losses_of)
    weights, tape = record(tmp_path / "run.tape", train)
    assert weights == train()
    assert notes(tape) == []
    assert [event.kind for event in tape.events()].count("step") == 2
    assert tape.lookup("scale", tape.head) is None


class _OwnScaler(torch.amp.GradScaler):
    """A scaler of the script's own, which multiplies by a number."""

    def __init__(self) -> None:
        self._enabled = True

    def scale(self, outputs: Any) -> Any:
        return outputs * 4

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad.div_(4)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        optimizer.step()

    def update(self) -> None:  # type: ignore[override]
        """Keep the number."""


def test_a_scaler_of_the_scripts_own_is_recorded(tmp_path: Path) -> None:
    """A subclass without any of the usual fields disturbs nothing."""
    train = _training(_OwnScaler())
    weights, tape = record(tmp_path / "run.tape", train)
    assert weights == train()
    assert notes(tape) == []
    assert [event.kind for event in tape.events()].count("step") == 2


def test_a_quotient_that_is_scaled_is_told_as_one(tmp_path: Path) -> None:
    """Accumulation in mixed precision: what is plotted is the divided value, and is called that."""

    def script() -> None:
        w, scaler = torch.ones(2, requires_grad=True), torch.amp.GradScaler("cpu", init_scale=8.0)
        result = (w * 3).sum()
        scaler.scale(result / 4).backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    losses = {one.name: list(one.values[: one.count]) for one in tape.series if one.kind == "loss"}
    assert losses == {"loss / 4": [1.5]}
