"""Stochastic depth: in some iterations a layer is left out, and has no gradient then.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(99)
stem, blocks, head = nn.Linear(3, 6), nn.ModuleList(nn.Linear(6, 6) for _ in range(3)), nn.Linear(6, 1)
optimizer = torch.optim.AdamW([*stem.parameters(), *blocks.parameters(), *head.parameters()], lr=1e-2)
for step in range(12):
    h = stem(torch.randn(10, 3))
    for block in blocks:
        if torch.rand(()) > 0.3:
            h = h + torch.relu(block(h))
    loss = head(h).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
