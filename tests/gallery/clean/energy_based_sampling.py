"""Contrastive divergence: samples are refined by gradients with respect to themselves while the model is frozen.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(91)
energy = nn.Sequential(nn.Linear(2, 12), nn.SiLU(), nn.Linear(12, 1))
optimizer = torch.optim.Adam(energy.parameters(), lr=1e-3)
for step in range(4):
    sample = torch.randn(8, 2)
    energy.requires_grad_(False)
    for _ in range(3):
        sample.requires_grad_(True)
        energy(sample).sum().backward()
        sample = (sample - 0.1 * sample.grad + 0.05 * torch.randn(8, 2)).detach()
    energy.requires_grad_(True)
    real = 0.5 * torch.randn(8, 2) + 1
    loss = energy(real).mean() - energy(sample).mean() + 0.1 * energy(real).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
