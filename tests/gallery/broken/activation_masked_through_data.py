"""Dropout by hand writes zeros through .data into an activation that the next layer has already saved.

Findings: G013
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(1)
first, second = nn.Linear(6, 12), nn.Linear(12, 3)
optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
for step in range(6):
    x, y = torch.randn(20, 6), torch.randint(0, 3, (20,))
    hidden = torch.tanh(first(x))
    logits = second(hidden)
    hidden.data[torch.rand_like(hidden) < 0.5] = 0
    loss = nn.functional.cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
