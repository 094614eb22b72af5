"""The scaler is there and disabled; clipping without unscale_ is right then.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(35)
use_amp = False
model = nn.Linear(5, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu", enabled=use_amp)
for step in range(6):
    x, y = torch.randn(10, 5), torch.randint(0, 2, (10,))
    with torch.autocast("cpu", enabled=use_amp):
        loss = nn.functional.cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()
