"""retain_grad() on an activation, to print its gradient.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(40)
conv, fc = nn.Conv1d(1, 2, 3), nn.Linear(12, 2)
optimizer = torch.optim.Adam([*conv.parameters(), *fc.parameters()])
for step in range(5):
    maps = torch.relu(conv(torch.randn(4, 1, 8)))
    maps.retain_grad()
    loss = nn.functional.cross_entropy(fc(maps.flatten(1)), torch.randint(0, 2, (4,)))
    optimizer.zero_grad()
    loss.backward()
    print((maps.grad.mean((1, 2)) * maps.detach().mean((1, 2))).sum().item())
    optimizer.step()
