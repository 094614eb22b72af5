"""The hook sits on a clone of the activation; the loss is computed from the original.

Findings: G015
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(0)
conv, fc = nn.Conv1d(2, 3, 3), nn.Linear(18, 2)
optimizer = torch.optim.SGD([*conv.parameters(), *fc.parameters()], lr=0.01)
norms = []
for step in range(5):
    x, y = torch.randn(6, 2, 8), torch.randint(0, 2, (6,))
    maps = conv(x)
    watched = maps.clone()
    watched.register_hook(lambda grad: norms.append(grad.norm().item()))
    loss = nn.functional.cross_entropy(fc(torch.relu(maps).flatten(1)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(len(norms))
