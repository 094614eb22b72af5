"""The last layer is replaced first, and the optimizer is made afterwards.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(5)
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 10))
net(torch.randn(2, 8)).sum().backward()
net[2] = nn.Linear(16, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
for step in range(6):
    x, y = torch.randn(10, 8), torch.randint(0, 3, (10,))
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
