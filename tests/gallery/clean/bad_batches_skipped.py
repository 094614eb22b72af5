"""A batch with a nan in it gives a nan loss, and is skipped before backward.

Findings: none
May: G016
"""

import torch
from torch import nn

torch.manual_seed(54)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
batches = torch.randn(6, 8, 3)
batches[3, 2, 1] = float("nan")
for x in batches:
    loss = nn.functional.mse_loss(model(x), torch.ones(8, 1))
    if not torch.isfinite(loss):
        continue
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
