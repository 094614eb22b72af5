"""Scaler and accumulation together: unscale_, clip and step once for each two backwards.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(38)
model = nn.Linear(6, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
for i in range(12):
    x, y = torch.randn(6, 6), torch.randint(0, 3, (6,))
    scaler.scale(nn.functional.cross_entropy(model(x), y) / 2).backward()
    if i % 2 == 1:
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
