"""Squared errors are summed in float16: the sum is above 65504, and that is inf.

Findings: G016
Line: 16
"""

import torch
from torch import nn

torch.manual_seed(18)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for step in range(3):
    x = 20 * torch.randn(64, 4)
    error = (model(x) - x).half()
    loss = error.pow(2).sum()
    optimizer.zero_grad()
    loss.float().backward()
    optimizer.step()
