"""The order is step, zero_grad, backward: every update uses the gradient of the batch before.

Findings: G006
Line: 17 or 19
"""

import torch
from torch import nn

torch.manual_seed(1)
model = nn.Linear(6, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)


def closure(x, y):
    loss = nn.functional.huber_loss(model(x), y)
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss


for _ in range(10):
    x = torch.randn(16, 6)
    closure(x, x.mean(1, keepdim=True))
