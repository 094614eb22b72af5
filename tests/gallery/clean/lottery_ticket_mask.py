"""Pruning: masks are applied to the weights under no_grad after each step, and to the gradients before it.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(87)
model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))
masks = {p: (torch.rand_like(p) > 0.5).float() for p in model.parameters() if p.ndim == 2}
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(8):
    x = torch.randn(12, 6)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
    for p, mask in masks.items():
        p.grad.mul_(mask)
    optimizer.step()
    with torch.no_grad():
        for p, mask in masks.items():
            p.mul_(mask)
