"""Distances with an epsilon under the root, and a pair of equal points.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(55)
embed = nn.Linear(4, 3, bias=False)
optimizer = torch.optim.SGD(embed.parameters(), lr=0.01)
anchor, other = torch.randn(6, 4), torch.randn(6, 4)
other[2] = anchor[2]
for step in range(5):
    difference = embed(anchor) - embed(other)
    distance = (difference.pow(2).sum(1) + 1e-8).sqrt()
    loss = (distance - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
