"""Positions are clamped in place between iterations, on the leaf itself.

Findings: G106
Line: 18
Raises: RuntimeError
"""

import torch

torch.manual_seed(3)
positions = torch.rand(5, 2, requires_grad=True)
optimizer = torch.optim.Adam([positions], lr=0.1)
for step in range(4):
    optimizer.zero_grad()
    loss = (positions - 0.5).pow(2).sum()
    loss.backward()
    optimizer.step()
    positions.clamp_(0, 1)
