"""A failing backward is caught, and the batch is left out.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(60)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    x = torch.randn(5, 3)
    loss = model(x).pow(2).mean()
    if step == 3:
        loss = loss.detach()
    optimizer.zero_grad()
    try:
        loss.backward()
    except RuntimeError:
        continue
    optimizer.step()
