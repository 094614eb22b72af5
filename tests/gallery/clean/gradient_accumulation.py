"""Gradients of four micro-batches are accumulated on purpose; one step for each four.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
accumulation = 4
optimizer.zero_grad()
for i in range(16):
    x = torch.randn(8, 6)
    loss = nn.functional.mse_loss(model(x), x[:, :1]) / accumulation
    loss.backward()
    if (i + 1) % accumulation == 0:
        optimizer.step()
        optimizer.zero_grad()
