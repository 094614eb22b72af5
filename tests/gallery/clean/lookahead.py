"""Lookahead: slow weights are pulled towards the fast ones every three steps, through data.copy_.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(89)
model = nn.Linear(5, 2)
slow = [p.detach().clone() for p in model.parameters()]
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(9):
    x = torch.randn(12, 5)
    loss = nn.functional.cross_entropy(model(x), (x.sum(1) > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 3 == 2:
        for s, p in zip(slow, model.parameters()):
            s += 0.5 * (p.data - s)
            p.data.copy_(s)
