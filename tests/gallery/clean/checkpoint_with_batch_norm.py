"""Checkpoints, one in the other, with batch norm and dropout: running statistics move twice, values are the same.

Findings: none
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(1)
inner = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU())
outer = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.2), nn.Tanh())
head = nn.Linear(6, 1)
optimizer = torch.optim.Adam([*inner.parameters(), *outer.parameters(), *head.parameters()], lr=1e-2)


def both(x):
    return outer(checkpoint(inner, x, use_reentrant=False)) + x


for i in range(6):
    x = torch.randn(12, 6)
    loss = nn.functional.mse_loss(head(checkpoint(both, x, use_reentrant=False)), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
