"""A schedule divides the loss by (warm_up - step), which is 0 in the fifth iteration.

Findings: G016
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(24)
model = nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
warm_up = 4
for step in range(8):
    x = torch.randn(8, 4)
    loss = nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long())
    loss = loss / (warm_up - step)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
