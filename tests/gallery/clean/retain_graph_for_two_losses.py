"""Two losses share a trunk and have a backward each: the first needs retain_graph=True.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(34)
trunk, head_a, head_b = nn.Linear(6, 8), nn.Linear(8, 1), nn.Linear(8, 3)
optimizer = torch.optim.SGD([p for m in (trunk, head_a, head_b) for p in m.parameters()], lr=0.05)
for step in range(6):
    x, y = torch.randn(10, 6), torch.randint(0, 3, (10,))
    h = torch.relu(trunk(x))
    loss_a = head_a(h).pow(2).mean()
    loss_b = nn.functional.cross_entropy(head_b(h), y)
    optimizer.zero_grad()
    loss_a.backward(retain_graph=True)
    loss_b.backward()
    optimizer.step()
