"""The rule about values that are not finite, on trainings recorded for real."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tests.diagnosis.judging import codes, warnings_of


def _training(loss: Callable[[Tensor], Tensor], scale: float = 0.0) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=scale > 0)
        for _ in range(4):
            optimizer.zero_grad()
            scaler.scale(loss(model(torch.randn(4, 3)))).backward()
            scaler.step(optimizer)
            scaler.update()

    return train


def test_a_birth_in_the_forward_is_found() -> None:
    """Log of a negative number: the op, the line and the mathematics are named."""
    (found,) = warnings_of(_training(lambda output: (output - 5).log().mean()))
    assert found.code == "G016"
    assert found.message.startswith("Tensor.log makes nan in iteration 1: ")
    assert found.line == test_a_birth_in_the_forward_is_found.__code__.co_firstlineno + 2
    assert found.steps


def test_a_birth_in_the_backward_is_found() -> None:
    """The loss is finite, and the derivative of sqrt at 0 is not."""
    (found,) = warnings_of(_training(lambda output: (output * 0).sqrt().sum()))
    assert found.code == "G016"
    assert "SqrtBackward0" in found.message


def test_a_nan_that_the_script_writes_is_found_where_it_is_written() -> None:
    """The reader is led to the assignment, and not to the backward that it came to."""

    def train() -> None:
        torch.manual_seed(0)
        table, model = torch.randn(6, 3), nn.Linear(3, 1)
        table[4, 1] = float("nan")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(2):
            optimizer.zero_grad()
            model(table).square().mean().backward()
            optimizer.step()

    line = train.__code__.co_firstlineno + 3
    (found,) = warnings_of(train)
    assert (found.code, found.line) == ("G016", line)
    assert found.message.startswith(f"nan was written into table[4, 1] at line {line} (from a number in the script); ")


def test_masks_that_do_no_harm_are_not() -> None:
    """Infinities that softmax makes zeros of reach neither the loss nor a gradient."""
    mask = torch.tensor([[True, False]])
    assert codes(_training(lambda output: output.masked_fill(mask, -torch.inf).softmax(1)[:, 1].sum())) == []


def test_what_a_scaler_skips_a_step_for_is_not() -> None:
    """A scale that is too large at first makes gradients infinite, and that is what the scaler is for."""
    assert codes(_training(lambda output: output.square().mean() * 16, scale=2.0**127)) == []
