"""Class means are sums divided by counts, and one class has no example in the batch: 0 / 0.

Findings: G016
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(2)
net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
labels = torch.tensor([0, 0, 1, 1, 1, 3, 3])
for step in range(4):
    z = net(torch.randn(7, 5))
    one_hot = nn.functional.one_hot(labels, 4).float()
    counts = one_hot.sum(0)
    centers = (one_hot.T @ z) / counts[:, None]
    loss = (z - centers[labels]).pow(2).mean() + centers.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
