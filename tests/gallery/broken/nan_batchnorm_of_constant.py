"""Normalisation by hand without an epsilon: a feature that is constant in the batch has a standard deviation of 0.

Findings: G016
Line: 13
"""

import torch
from torch import nn


class Norm(nn.Module):
    def forward(self, x):
        return (x - x.mean(0)) / x.std(0)


torch.manual_seed(23)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), Norm(), nn.Linear(4, 1))
with torch.no_grad():
    model[0].bias[2] = -30.0
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    loss = model(torch.randn(10, 3)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
