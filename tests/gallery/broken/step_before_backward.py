"""optimizer.step() was written before loss.backward(): each step finds the gradients cleared.

Findings: G006
May: G005
Line: 18 or 19
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(24, 4), torch.randint(0, 3, (24,))
for epoch in range(8):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.step()
    loss.backward()
