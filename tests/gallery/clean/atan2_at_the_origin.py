"""atan2(0, 0): torch gives the gradient 0 there.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(58)
heading = nn.Linear(3, 2, bias=False)
optimizer = torch.optim.Adam(heading.parameters(), lr=1e-2)
inputs = torch.randn(8, 3)
inputs[5] = 0
for step in range(4):
    direction = heading(inputs)
    angle = torch.atan2(direction[:, 1], direction[:, 0])
    loss = (1 - torch.cos(angle - 0.5)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
