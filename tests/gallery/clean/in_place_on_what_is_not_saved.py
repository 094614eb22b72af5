"""relu_ on a linear output, += on a sum, mul_ by a number: nothing of that was saved.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(41)
a, b = nn.Linear(4, 8), nn.Linear(8, 8)
optimizer = torch.optim.SGD([*a.parameters(), *b.parameters()], lr=0.05)
for step in range(6):
    h = a(torch.randn(10, 4)).relu_()
    out = b(h)
    out += h
    out.mul_(0.5)
    loss = out.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
