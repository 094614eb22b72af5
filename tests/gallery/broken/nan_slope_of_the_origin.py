"""The angle is atan(y / x), and one direction is the origin: 0 / 0.

Findings: G016
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(10)
heading = nn.Linear(3, 2, bias=False)
optimizer = torch.optim.Adam(heading.parameters(), lr=1e-2)
inputs = torch.randn(8, 3)
inputs[5] = 0
for step in range(3):
    x, y = heading(inputs).unbind(1)
    angle = torch.atan(y / x)
    loss = (1 - torch.cos(angle - 0.5)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
