"""Nodes of several outputs: what goes to one of them is not added to what goes to another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.tracer.hard.seeing import watch

pytestmark = pytest.mark.torch


def _unbind() -> None:
    a, b = (torch.tensor([1.0, 2.0], requires_grad=True) * 1).unbind()
    loss = 2 * a + 30 * b
    loss.backward()


def _chunk() -> None:
    a, b = (torch.tensor([1.0, 2.0], requires_grad=True) * 1).chunk(2)
    (2 * a + 30 * b).sum().backward()


def _var_mean() -> None:
    a, b = torch.var_mean(torch.tensor([1.0, 2.0], requires_grad=True))
    (2 * a + 30 * b).backward()


def _svd() -> None:
    _, s, b = torch.linalg.svd(torch.tensor([[1.0, 2.0], [0.0, 1.0]], requires_grad=True), full_matrices=False)
    (2 * s.sum() + 30 * b.abs().sum()).backward()


def _lstm() -> None:
    torch.manual_seed(0)
    a, (_, b) = torch.nn.LSTM(2, 2)(torch.ones(1, 1, 2, requires_grad=True))
    (2 * a + 30 * b).sum().backward()


@pytest.mark.parametrize(
    ("script", "node"),
    [(_unbind, "Unbind"), (_chunk, "Split"), (_var_mean, "VarMean"), (_svd, "LinalgSvd"), (_lstm, "Rnn")],
)
def test_outputs_are_told_apart(script: Callable[[], None], node: str) -> None:
    """Each output is shown with its own upstream gradient, and no sum of them is claimed."""
    seen = watch(script)
    text = seen.chain(seen.at(node))
    assert "outputs (" in text
    assert "nothing is added" in text
    assert "adds up the paths" not in text
    assert text.count(" ∂") >= 3


def test_an_output_used_twice_adds_up_its_own_uses() -> None:
    """Of q, k and v only q is used twice: its two gradients are added, those of the others are not."""

    def script() -> None:
        x = torch.tensor([[3.0, 1.0, 2.0]], requires_grad=True)
        q, k, v = (x * 1.0).split(1, dim=1)
        (torch.softmax(q * k, dim=1) * v + q).sum().backward()

    seen = watch(script)
    text = seen.chain(seen.at("Split"))
    assert "3 outputs (q, k, v)" in text
    assert "q was used 2 times: the chain rule adds up the paths from AddBackward0 [[1]] + from MulBackward0" in text
    assert "= upstream ∂L/∂q [[1]] upstream ∂L/∂k [[0]] upstream ∂L/∂v [[1]]" in text
