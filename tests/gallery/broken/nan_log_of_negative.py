"""The network is to predict a rate, and its output goes into log without a softplus: log of a negative number.

Findings: G016
Line: 12
"""

import torch
from torch import nn


def poisson_nll(rate, count):
    return (rate - count * torch.log(rate)).mean()


torch.manual_seed(33)
model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for step in range(3):
    loss = poisson_nll(model(torch.randn(12, 3)), torch.randint(0, 4, (12, 1)).float())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
