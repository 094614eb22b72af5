"""Gradient accumulation over 4 batches, but step() stands outside of the if and runs for each of them.

Findings: G004
Line: 18 or 19 or 21
"""

import torch
from torch import nn

torch.manual_seed(5)
model = nn.Sequential(nn.Linear(5, 10), nn.Tanh(), nn.Linear(10, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
accumulation = 4
optimizer.zero_grad()
for i in range(16):
    x = torch.randn(8, 5)
    loss = nn.functional.mse_loss(model(x), x[:, :1]) / accumulation
    loss.backward()
    optimizer.step()
    if (i + 1) % accumulation == 0:
        optimizer.zero_grad()
