"""Targets in the millions and SGD with lr=0.1: the first update throws the weights away from where they were.

Findings: none
Hints: G053
"""

import torch
from torch import nn

torch.manual_seed(2)
model = nn.Linear(5, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x = torch.randn(32, 5)
y = 1e6 * x.sum(1, keepdim=True)
for step in range(4):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
