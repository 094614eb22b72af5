"""Differential-privacy style: gradients are clipped and noise is added to them before the step.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(17)
model = nn.Linear(6, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    x = torch.randn(10, 6)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), (x[:, 1] > 0).long()).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for p in model.parameters():
        p.grad.add_(0.05 * torch.randn_like(p.grad))
    optimizer.step()
