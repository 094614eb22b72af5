"""Adam with eps=0 divides 0 by 0 where a gradient is exactly zero: the step itself makes the weights nan.

Findings: G016
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(25)
table, out = nn.Embedding(8, 3), nn.Linear(3, 2)
optimizer = torch.optim.Adam([*table.parameters(), *out.parameters()], lr=1e-3, eps=0.0)
for step in range(4):
    ids = torch.randint(0, 5, (10,))
    loss = nn.functional.cross_entropy(out(table(ids)), ids % 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
