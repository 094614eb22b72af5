"""Gradient noise is measured before the training begins: the optimizer is there for its learning rate.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(9)
model = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
samples = []
for batch in range(5):
    optimizer.zero_grad()
    model(torch.randn(12, 6)).square().mean().backward()
    samples.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
noise = torch.stack(samples).std(0).norm()
print("noise of a step:", optimizer.param_groups[0]["lr"] * noise.item())
