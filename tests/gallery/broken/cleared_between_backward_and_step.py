"""zero_grad stands between backward and step, so the optimizer never sees a gradient.

Findings: G005
Line: 17 or 18
"""

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(32, 10), torch.randn(32, 1)
for epoch in range(8):
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
