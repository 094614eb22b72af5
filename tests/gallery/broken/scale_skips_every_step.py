"""The loss scale starts so high that the gradients overflow in all of the run: not one step is taken.

Findings: G009
May: G016
Line: 20
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**126, backoff_factor=0.9)
for step in range(8):
    x = torch.randn(16, 8)
    loss = nn.functional.mse_loss(model(x), 100 * x[:, :1])
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
