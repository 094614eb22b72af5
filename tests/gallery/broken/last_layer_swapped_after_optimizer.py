"""The pretrained network's last layer was swapped for 5 classes after the optimizer had been made.

Findings: G003
May: G001 G002
Line: 13 or 14 or 19
"""

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
net[2] = nn.Linear(32, 5)
x, y = torch.randn(20, 16), torch.randint(0, 5, (20,))
for i in range(6):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
