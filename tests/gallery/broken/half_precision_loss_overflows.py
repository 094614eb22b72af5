"""The loss is summed in float16 and overflows once it is scaled; the scaler skips each step of the short run.

Findings: G009
May: G016
Line: 24
"""

import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu")
for step in range(6):
    x = 10 * torch.randn(32, 10)
    with torch.autocast("cpu", dtype=torch.float16):
        out = model(x)
        loss = (out - x).half().pow(2).sum()
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
