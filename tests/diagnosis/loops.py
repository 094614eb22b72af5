"""Trainings by the order of what they do, one letter a call."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def loop(order: str, iterations: int = 5, *, set_to_none: bool = True, layers: int = 1) -> Callable[[], None]:
    """Return a training whose iterations do what the letters say.

    Args:
        order: F forward, B backward, Z zero_grad, S step, E zero_grad in each fourth iteration.
        iterations: how many.
        set_to_none: how zero_grad clears.
        layers: of the model; torch itself raises where a step comes between forward and backward of several.
    """

    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1) if layers == 1 else nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        inputs, targets = torch.randn(4, 3), torch.randn(4, 1)
        loss = torch.zeros(())
        for number in range(iterations):
            for what in order:
                if what == "F":
                    loss = ((model(inputs) - targets) ** 2).mean()
                elif what == "B":
                    loss.backward()
                elif what == "S":
                    optimizer.step()
                elif what == "Z" or number % 4 == 0:
                    optimizer.zero_grad(set_to_none=set_to_none)

    return train
