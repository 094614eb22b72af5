"""sqrt of a distance that is exactly 0 for one pair: infinite derivative, and nan after the next product.

Findings: G016
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(0)
embed = nn.Linear(4, 3, bias=False)
optimizer = torch.optim.SGD(embed.parameters(), lr=0.01)
anchor = torch.randn(6, 4)
other = torch.randn(6, 4)
other[2] = anchor[2]
for step in range(4):
    difference = embed(anchor) - embed(other)
    distance = difference.pow(2).sum(1).sqrt()
    loss = (distance - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
