"""The learning rate is much too large: the weights grow each step until the loss overflows.

Findings: G016
Line: 15
"""

import torch
from torch import nn

torch.manual_seed(7)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=100.0)
x, y = torch.randn(20, 4), torch.randn(20, 1)
for step in range(18):
    loss = ((model(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
