"""model.double() after the optimizer was made changes the parameters in place: they stay the optimizer's.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(8)
model = nn.Sequential(nn.Linear(3, 5), nn.Sigmoid(), nn.Linear(5, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model.double()
x = torch.randn(20, 3, dtype=torch.float64)
for step in range(8):
    loss = (model(x) - x[:, :1]).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
