"""The scale doubles every two steps until a step overflows and is skipped, as it is meant to be.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(37)
model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**124, growth_interval=2)
for step in range(16):
    x = torch.randn(8, 3)
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
