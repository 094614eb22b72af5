"""Accumulation where the gradients of an incomplete last group stay unused, and are cleared with the next epoch.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(2)
model = nn.Sequential(nn.Linear(3, 5), nn.SiLU(), nn.Linear(5, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(3):
    optimizer.zero_grad()
    for i in range(7):
        x = torch.randn(4, 3)
        (model(x).square().mean() / 3).backward()
        if i % 3 == 2:
            optimizer.step()
            optimizer.zero_grad()
