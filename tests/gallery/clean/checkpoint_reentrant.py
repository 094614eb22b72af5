"""Activation checkpointing, the reentrant kind.

Findings: none
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(39)
stem, block, head = nn.Linear(4, 8), nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)), nn.Linear(8, 1)
optimizer = torch.optim.SGD([p for m in (stem, block, head) for p in m.parameters()], lr=0.01)
for step in range(5):
    x = torch.randn(10, 4)
    h = stem(x)
    h = h + checkpoint(block, h, use_reentrant=True)
    loss = head(h).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
