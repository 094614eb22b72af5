"""The norm is clipped by hand between backward and scaler.step, on scaled gradients.

Findings: G008
Line: 23
"""

import torch
from torch import nn

torch.manual_seed(2)
model = nn.Linear(4, 2)
params = list(model.parameters())
optimizer = torch.optim.Adam(params, lr=1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**14)
for step in range(8):
    x = torch.randn(20, 4)
    loss = (model(x) - x[:, :2]).pow(2).mean()
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    norm = torch.sqrt(sum((p.grad**2).sum() for p in params))
    if norm > 1.0:
        for p in params:
            p.grad.mul_(1.0 / norm)
    scaler.step(optimizer)
    scaler.update()
