"""F.relu_ overwrites the output of sigmoid, which sigmoid needs for its backward.

Findings: G101
Line: 17
Raises: RuntimeError
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
gate, out = nn.Linear(4, 6), nn.Linear(6, 1)
optimizer = torch.optim.SGD([*gate.parameters(), *out.parameters()], lr=0.1)
for step in range(3):
    h = torch.sigmoid(gate(torch.randn(8, 4)))
    h = F.relu_(h)
    loss = out(h).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
