"""A backward only to look at the gradient norm (batch size test), cleared before the training goes on.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(106)
model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def norm_of(x):
    optimizer.zero_grad()
    model(x).pow(2).mean().backward()
    norm = sum(p.grad.pow(2).sum() for p in model.parameters()).sqrt().item()
    optimizer.zero_grad()
    return norm


print(norm_of(torch.randn(4, 5)), norm_of(torch.randn(16, 5)))
for step in range(6):
    x = torch.randn(16, 5)
    loss = (model(x) - x[:, :1]).pow(2).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
