"""An optimizer that makes the weights anew out of sums of gradients sets the rows that the batch does not name to 0.

Findings: none
Hints: G056
"""

import torch
from torch import nn


class DualAveraging(torch.optim.Optimizer):
    """Weights are minus the sum of their gradients, scaled by its own size."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["sum"] = state.get("sum", 0) + parameter.grad
                state["squares"] = state.get("squares", 0) + parameter.grad.square()
                parameter.copy_(-group["lr"] * state["sum"] / (state["squares"].sqrt() + 1e-8))


torch.manual_seed(0)
table = nn.Embedding(20, 4)
optimizer = DualAveraging(table.parameters(), lr=0.05)
for step in range(6):
    loss = (table(torch.arange(3)) - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
