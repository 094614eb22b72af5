"""The loss scale starts too high: the first steps are skipped, then the scale fits and training goes on.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(36)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, backoff_factor=2.0**-40)
for step in range(12):
    x = torch.randn(10, 4)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    scaler.scale(8 * loss).backward()
    scaler.step(optimizer)
    scaler.update()
