"""torch.norm at a zero vector has the subgradient 0: nothing is lost.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(56)
embed = nn.Embedding(6, 3, padding_idx=0)
optimizer = torch.optim.SGD(embed.parameters(), lr=0.1)
for step in range(5):
    length = embed(torch.tensor([0, 1, 2, 0])).norm(dim=1)
    loss = (length - 1).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
