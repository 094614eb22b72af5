"""Lazy R1 regularisation: the gradient penalty has a backward and a step of its own, every other iteration.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(29)
D = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.99))
for step in range(8):
    real, fake = torch.randn(10, 2), torch.randn(10, 2) + 1
    loss = nn.functional.softplus(D(fake)).mean() + nn.functional.softplus(-D(real)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 2 == 0:
        real.requires_grad_(True)
        (g,) = torch.autograd.grad(D(real).sum(), real, create_graph=True)
        penalty = 5.0 * g.square().sum(1).mean() + 0 * D(real)[0, 0]
        optimizer.zero_grad()
        penalty.backward()
        optimizer.step()
