"""A temperature is lowered after the forward, and the reentrant checkpoint computes its forward again with the new one.

Findings: G018
Line: 18
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(8)
score, head = nn.Linear(5, 5), nn.Linear(5, 1)
optimizer = torch.optim.SGD([*score.parameters(), *head.parameters()], lr=0.05)
temperature = torch.tensor(2.0)


def gate(x):
    return x * torch.softmax(score(x) / temperature, dim=-1)


for i in range(6):
    x = torch.randn(7, 5, requires_grad=True)
    loss = nn.functional.mse_loss(head(checkpoint(gate, x, use_reentrant=True)), x.detach()[:, :1])
    temperature.mul_(0.8)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
