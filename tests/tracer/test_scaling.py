"""GradScaler under the tracer, where it scales and where it is switched off."""

from __future__ import annotations

import math
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


class _Holder:
    """What makes its steps with an optimizer, and is none."""

    def __init__(self, parameters: list[torch.Tensor], lr: float) -> None:
        self.inner = torch.optim.SGD(parameters, lr=lr)
        self.param_groups = self.inner.param_groups

    def step(self) -> None:
        self.inner.step()


@pytest.mark.parametrize(
    "make", [torch.optim.SGD, _Holder, lambda params, lr: torch.optim.Adam(params, lr=lr, fused=True)],
    ids=["SGD", "a holder of an SGD", "a fused Adam"],
)  # fmt: skip
def test_each_step_of_a_scaled_training_is_one_iteration(tmp_path: Path, make: Any) -> None:
    """Whoever makes it, and whoever skips it: GradScaler, or the kernel of a fused step."""

    def train() -> list[float]:
        weight = torch.ones(2, requires_grad=True)
        optimizer, scaler = make([weight], lr=0.25), torch.amp.GradScaler("cpu", init_scale=4.0)
        for factor in (1.0, float("inf"), float("inf"), 1.0):
            scaler.scale((weight * factor).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            weight.grad = None
        return weight.tolist()

    plain = train()
    weights, tape = record(tmp_path / "run.tape", train)
    assert weights == plain
    steps = [(event.iteration, tape.detail(event.seq)) for event in tape.events() if event.kind == "step"]
    assert [iteration for iteration, _ in steps] == [1, 2, 3, 4]
    assert ["inf in" in getattr(detail, "skipped", "") for _, detail in steps] == [False, True, True, False]
    assert notes(tape) == []


@pytest.mark.parametrize("count", [3, 200])
def test_an_infinity_is_the_reason_whatever_is_beside_it(count: int, tmp_path: Path) -> None:
    """Of a scale that is too large come infinities, and NaN of these: only a NaN alone is told as one."""

    def train() -> None:
        weight = torch.ones(count, requires_grad=True)
        optimizer, scaler = torch.optim.SGD([weight], lr=0.25), torch.amp.GradScaler("cpu", init_scale=4.0)
        for value in (math.inf, 1.0):
            factor = torch.full((count,), value)
            factor[1] = math.nan
            scaler.scale((weight * factor).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            weight.grad = None

    _, tape = record(tmp_path / "run.tape", train)
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "step"]
    assert [getattr(detail, "skipped", "") for detail in details] == ["inf in weight.grad", "nan in weight.grad"]
