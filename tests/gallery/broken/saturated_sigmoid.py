"""Inputs in the thousands saturate the sigmoid exactly: its derivative is 0 in float32.

Findings: none
Hints: G051
"""

import torch
from torch import nn

torch.manual_seed(3)
model = nn.Sequential(nn.Linear(3, 6), nn.Sigmoid(), nn.Linear(6, 1))
with torch.no_grad():
    model[0].weight.copy_(torch.ones(6, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randint(500, 2000, (20, 3)).float()
for step in range(8):
    loss = nn.functional.mse_loss(model(x), torch.ones(20, 1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
