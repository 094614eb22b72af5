"""Adam's first update is as large as the learning rate, and that is 1: ten times the weights themselves.

Findings: none
Hints: G053
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
x, y = torch.randn(32, 64), torch.randint(0, 4, (32,))
for step in range(6):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
