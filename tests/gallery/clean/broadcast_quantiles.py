"""Quantile regression: (N, 1) targets against (N, 3) quantiles, which is how it is defined.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(32)
quantiles = torch.tensor([0.1, 0.5, 0.9])
model = nn.Linear(2, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(8):
    x = torch.randn(24, 2)
    y = x[:, :1] + torch.randn(24, 1)
    error = y - model(x)
    loss = torch.maximum(quantiles * error, (quantiles - 1) * error).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
