"""Hints about what a step does beside following the gradient, on trainings recorded for real."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.diagnosis.judging import verdict


class Forgetful(torch.optim.Optimizer):
    """Makes the weights anew out of the sums of their gradients, as the dual optimizers do."""

    def __init__(self, parameters: Iterable[Tensor], lr: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take the gradients in and set the weights."""
        for group in self.param_groups:
            for parameter in group["params"]:
                held = self.state[parameter].setdefault("sum", torch.zeros_like(parameter))
                held.add_(parameter.grad)
                parameter.copy_(-group["lr"] * held)


def _look_up(make: Callable[[Iterable[Tensor]], Any], share: float = 1.0, words: int = 4) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        table = nn.Embedding(words, 3)
        optimizer = make(table.parameters())
        for _ in range(2):
            optimizer.zero_grad()
            (share * table(torch.tensor([0])).square().sum()).backward()
            optimizer.step()

    return train


def _codes(train: Callable[[], None]) -> list[str]:
    return [finding.code for finding in verdict(train).findings]


class Rateless(torch.optim.Optimizer):
    """Has no learning rate."""

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move by the sign."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(0.01 * parameter.grad.sign())


def test_an_optimizer_without_a_rate_is_judged() -> None:
    """No rule fails at it; how far a decay of its may go is not known."""
    found = verdict(_look_up(Rateless))
    assert not found.findings
    assert not [why for _, why in found.unjudged if "gradb failed" in why]


@pytest.mark.parametrize(("share", "words"), [(1.0, 4), (0.0, 4), (0.0, 4000)])
def test_weights_without_a_gradient_that_are_thrown_away_are_hinted_at(share: float, words: int) -> None:
    """Rows that the batch does not name, and a table of which the whole gradient is 0, kept in full or not."""
    found = verdict(_look_up(Forgetful, share, words)).findings
    assert [finding.code for finding in found] == ["G056"]
    assert "Forgetful" in found[0].message
    assert "is 0 after it" in found[0].message


@pytest.mark.parametrize(
    "make",
    [
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, weight_decay=0.1),
        lambda parameters: torch.optim.Adam(parameters, lr=0.1, weight_decay=0.1),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=1.0),
        lambda parameters: torch.optim.Muon(parameters, lr=0.02),
    ],
)
def test_weight_decay_is_not(make: Callable[[Iterable[Tensor]], Any]) -> None:
    """It moves each weight by a share of the rate, or by the rate where it goes through Adam's division."""
    assert "G056" not in _codes(_look_up(make))


def test_a_closure_that_computes_the_gradient_within_the_step_is_not() -> None:
    """The step finds the zeros that zero_grad has left, and follows what its closure computes."""

    def train() -> None:
        torch.manual_seed(0)
        table = nn.Embedding(4, 3)
        optimizer = torch.optim.LBFGS(table.parameters(), lr=1.0)
        table(torch.arange(4)).square().sum().backward()

        def closure() -> Tensor:
            optimizer.zero_grad(set_to_none=False)
            loss: Tensor = table(torch.arange(4)).square().sum()
            loss.backward()
            return loss

        optimizer.zero_grad(set_to_none=False)
        optimizer.step(closure)

    assert "G056" not in _codes(train)


@pytest.mark.parametrize(("steps", "codes"), [(4, []), (7, ["G057"])])
def test_a_schedule_that_goes_below_zero_is_hinted_at(steps: int, codes: list[str]) -> None:
    """A line to 0 in five steps; the first step below it is told of, once."""

    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 4)
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(8, 3)).square().mean().backward()
            optimizer.step()
            schedule.step()

    found = verdict(train).findings
    assert [finding.code for finding in found] == codes
    assert not codes or found[0].message.endswith("is -0.025 in iteration 6")
