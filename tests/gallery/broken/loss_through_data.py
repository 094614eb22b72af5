"""The loss is computed from output.data.

Findings: G103
Line: 13
Raises: RuntimeError
"""

import torch
from torch import nn


def criterion(output, target):
    return ((output.data - target) ** 2).mean()


torch.manual_seed(1)
net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
optimizer = torch.optim.Adam(net.parameters())
x = torch.randn(6, 4)
loss = criterion(net(x), x[:, :2])
optimizer.zero_grad()
loss.backward()
