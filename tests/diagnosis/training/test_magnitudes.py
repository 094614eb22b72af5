"""Hints about how large gradients and updates are, on trainings recorded for real."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

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


def test_zeros_are_told_from_what_is_not_known() -> None:
    """Zeros of either sign are zero, in full or as statistics; nothing known is not."""
    assert is_zero(TensorValue((2,), "float32", b"\0" * 8))
    assert is_zero(TensorValue((1,), "float32", b"\0\0\0\x80"))
    assert is_zero(TensorValue((5000,), "float32", stats=Stats(0.0, 0.0, 0.0, 0, 0, 0, (0.0,))))
    assert not is_zero(TensorValue((1,), "float32", b"\0\0\x80\x3f"))
    assert not is_zero(TensorValue((2,), "float32"))
    assert not is_zero(None)
    assert largest(TensorValue((1,), "float32", b"\0\0\x80\x7f")) is None
