"""The length is the sum of squares to the power of 0.5, and one row of the input is zero: its derivative is inf.

Findings: G016
Line: 16
"""

import torch
from torch import nn

torch.manual_seed(5)
encoder = nn.Linear(4, 6, bias=False)
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
x = torch.cat([torch.zeros(2, 4), 2 * torch.randn(6, 4)])
for step in range(3):
    z = encoder(x)
    length = (z**2).sum(dim=1) ** 0.5
    loss = (length - 1).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
