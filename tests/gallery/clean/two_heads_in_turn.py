"""Two tasks, two heads: each iteration uses one of them, every other time the other.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(68)
trunk, heads = nn.Linear(5, 8), nn.ModuleList([nn.Linear(8, 1), nn.Linear(8, 3)])
optimizer = torch.optim.Adam([*trunk.parameters(), *heads.parameters()], lr=1e-2)
for step in range(10):
    x = torch.randn(10, 5)
    h = torch.relu(trunk(x))
    if step % 2:
        loss = nn.functional.mse_loss(heads[0](h), x[:, :1])
    else:
        loss = nn.functional.cross_entropy(heads[1](h), x[:, :3].argmax(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
