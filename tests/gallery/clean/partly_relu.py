"""ReLU with some dead units among many live ones.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(101)
model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
with torch.no_grad():
    model[0].bias[:5] = -20.0
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(8):
    x = torch.randn(20, 4)
    loss = nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
