"""The variance as mean of squares minus squared mean comes out slightly negative, and its square root is nan.

Findings: G016
Line: 16
"""

import torch
from torch import nn

torch.manual_seed(20)
model = nn.Linear(3, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(4):
    x = torch.randn(64, 3) * 1e-3 + 1000.0
    mean = x.mean(0)
    deviation = (x.pow(2).mean(0) - mean.pow(2) - 1e-2).sqrt()
    loss = model((x - mean) / deviation).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
