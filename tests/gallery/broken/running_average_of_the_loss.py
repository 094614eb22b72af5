"""A moving average of the loss is kept as a tensor with its history, one link longer each iteration.

Findings: G007
Line: 16 or 28
"""

import torch
from torch import nn


class Meter:
    def __init__(self):
        self.value = None

    def update(self, loss):
        self.value = loss if self.value is None else 0.9 * self.value + 0.1 * loss


torch.manual_seed(2)
model, meter = nn.Linear(10, 2), Meter()
optimizer = torch.optim.Adam(model.parameters())
for step in range(15):
    x, y = torch.randn(16, 10), torch.randint(0, 2, (16,))
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    meter.update(loss)
