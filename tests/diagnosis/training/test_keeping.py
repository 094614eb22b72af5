"""Rules about graphs that are kept, each on trainings recorded for real."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.diagnosis.judging import codes, verdict, warnings_of


def _running(keep: Callable[[Tensor], Tensor | float], iterations: int = 7) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        total: Tensor | float = 0.0
        for _ in range(iterations):
            optimizer.zero_grad()
            loss = model(torch.randn(4, 3)).square().mean()
            loss.backward()
            optimizer.step()
            total += keep(loss)

    return train


def _recurrent(*, detaches: bool, window: int = 1, iterations: int = 7) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        cell, head = nn.RNNCell(3, 4), nn.Linear(4, 1)
        cell.requires_grad_(False)
        start = nn.Parameter(torch.zeros(2, 4))
        optimizer = torch.optim.SGD([start], lr=0.0)
        hidden: Tensor = start * 1
        for number in range(iterations):
            optimizer.zero_grad()
            if detaches and number % window == 0:
                hidden = hidden.detach() + start * 0
            hidden = cell(torch.randn(2, 3), hidden)
            head(hidden).square().mean().backward(retain_graph=not detaches or window > 1)
            optimizer.step()

    return train


def _two_losses(*, is_shared: bool) -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        output = model(torch.randn(4, 3))
        output.square().mean().backward(retain_graph=True)
        if is_shared:
            output.abs().mean().backward()
        optimizer.step()


def test_a_running_loss_with_its_graph_is_found() -> None:
    """``total += loss`` keeps the graph of every iteration; the finding names the variable and since when."""
    (found,) = warnings_of(_running(lambda loss: loss))
    assert found.code == "G007"
    assert found.message.startswith("total carries the graph of every iteration since iteration 1 ")
    assert found.tensors == ("total",)


def test_an_average_with_its_graph_is_found() -> None:
    """So does a moving average of tensors."""
    assert codes(_running(lambda loss: loss * 0.1)) == ["G007"]


@pytest.mark.parametrize("keep", [lambda loss: loss.item(), lambda loss: loss.detach(), lambda loss: loss.data])
def test_numbers_that_are_carried_over_are_not(keep: Callable[[Tensor], Tensor | float]) -> None:
    """A running loss of numbers keeps nothing."""
    assert codes(_running(keep)) == []


def test_a_hidden_state_that_is_never_detached_is_found() -> None:
    """Each backward goes through all iterations before, which retain_graph makes possible."""
    assert codes(_recurrent(detaches=False)) == ["G007"]


@pytest.mark.parametrize("window", [1, 3])
def test_truncated_backpropagation_is_not(window: int) -> None:
    """A state that is detached each time, or every few times, does not grow."""
    assert codes(_recurrent(detaches=True, window=window, iterations=12)) == []


def _hints(function: Callable[[], None]) -> list[str]:
    return [finding.code for finding in verdict(function).findings]


def test_a_graph_that_is_kept_for_nothing_is_hinted_at() -> None:
    """retain_graph=True without a second backward is a hint, and with one nothing."""
    assert _hints(lambda: _two_losses(is_shared=False)) == ["G055"]
    assert _hints(lambda: _two_losses(is_shared=True)) == []


def _collected(keep: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        centers = []
        for _ in range(8):
            optimizer.zero_grad()
            output = model(torch.randn(4, 3))
            centers.append(keep(output.mean(0)))
            output.square().mean().backward()
            optimizer.step()
        torch.stack(centers).std(0)

    return train


def test_a_collection_with_its_graphs_is_found() -> None:
    """What is appended to a list with its graph is seen where all of it comes together."""
    (found,) = warnings_of(_collected(lambda center: center))
    assert found.code == "G007"
    assert "kept with its graph over " in found.message
    assert codes(_collected(lambda center: center.detach())) == []
