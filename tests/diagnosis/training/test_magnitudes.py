"""Hints about how large gradients and updates are, on trainings recorded for real."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gradb.diagnosis.training.magnitudes import is_zero, largest
from gradb.tape.values import Stats, TensorValue
from tests.diagnosis.judging import verdict


def _training(model: nn.Module, rate: float = 0.01, width: int = 8) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_normal_(parameter)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.randn(16, width)).square().mean().backward()
            optimizer.step()

    return train


def _deep(*between: nn.Module, layers: int = 12) -> nn.Module:
    return nn.Sequential(*(part for _ in range(layers) for part in (nn.Linear(8, 8), *between)))


class Rounded(nn.Module):
    """Rounds, which has no derivative but 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return whole numbers."""
        return x.round()


@pytest.mark.parametrize(
    ("model", "rate", "code"),
    [
        (lambda: nn.Sequential(nn.Linear(8, 8), Rounded()), 0.01, "G051"),
        (lambda: _deep(nn.Sigmoid(), layers=20), 0.0001, "G052"),
        (lambda: _deep(layers=2), 5.0, "G053"),
    ],
)
def test_what_is_far_off_is_hinted_at(model: Callable[[], nn.Module], rate: float, code: str) -> None:
    """Gradients of zero, gradients that vanish along twenty sigmoids, a learning rate of 5 with Adam."""
    assert code in [finding.code for finding in verdict(_training(model(), rate)).findings]


@pytest.mark.parametrize("between", [[nn.Tanh()], [nn.LayerNorm(8), nn.ReLU()]])
def test_an_ordinary_training_is_not(between: list[nn.Module]) -> None:
    """Four layers with a usual initialisation and learning rate."""
    assert verdict(_training(_deep(*between, layers=4))).findings == ()


@pytest.mark.parametrize("is_joined", [False, True])
def test_gradients_that_cancel_are_not(is_joined: bool) -> None:
    """The last bias of a WGAN's critic: what real and fake rows send to it adds up to 0, whatever the critic is."""

    def train() -> None:
        torch.manual_seed(0)
        critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = torch.optim.Adam(critic.parameters(), lr=0.001)
        for _ in range(5):
            real, fake = torch.randn(8, 3), torch.randn(8, 3) + 1
            optimizer.zero_grad()
            if is_joined:
                scores = critic(torch.cat([real, fake]))
                loss = scores[8:].mean() - scores[:8].mean()
            else:
                loss = critic(fake).mean() - critic(real).mean()
            loss.backward()
            optimizer.step()

    assert verdict(train).findings == ()


def test_an_optimizer_that_computes_its_gradients_itself_is_not() -> None:
    """A step of LBFGS is many iterations: that it goes far is what it is for."""

    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0)
        x = torch.randn(30, 3)
        y = x @ torch.tensor([[10.0], [-20.0], [5.0]])

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            return loss

        for _ in range(4):
            optimizer.step(closure)

    assert verdict(train).findings == ()


@pytest.mark.parametrize(("rate", "codes"), [(0.02, []), (1.0, ["G053"])])
def test_a_step_that_is_larger_than_its_learning_rate_only_at_first(rate: float, codes: list[str]) -> None:
    """RMSprop's first step is ten learning rates, and those that follow are about one."""

    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(100, 2)
        optimizer = torch.optim.RMSprop(model.parameters(), lr=rate)
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.randn(16, 100)).square().mean().backward()
            optimizer.step()

    assert [finding.code for finding in verdict(train).findings] == codes


def test_zeros_are_told_from_what_is_not_known() -> None:
    """Zeros of either sign are zero, in full or as statistics; nothing known is not."""
    assert is_zero(TensorValue((2,), "float32", b"\0" * 8))
    assert is_zero(TensorValue((1,), "float32", b"\0\0\0\x80"))
    assert is_zero(TensorValue((5000,), "float32", stats=Stats(0.0, 0.0, 0.0, 0, 0, 0, (0.0,))))
    assert not is_zero(TensorValue((1,), "float32", b"\0\0\x80\x3f"))
    assert not is_zero(TensorValue((2,), "float32"))
    assert not is_zero(None)
    assert largest(TensorValue((1,), "float32", b"\0\0\x80\x7f")) is None
