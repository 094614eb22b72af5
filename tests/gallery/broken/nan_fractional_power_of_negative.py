"""A negative output raised to the power of 1.5 is nan.

Findings: G016
Line: 15
"""

import torch
from torch import nn

torch.manual_seed(11)
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x = torch.rand(30, 2)
for step in range(3):
    energy = model(x) ** 1.5
    loss = nn.functional.mse_loss(energy, x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
