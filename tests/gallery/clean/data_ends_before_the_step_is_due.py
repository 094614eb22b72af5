"""Gradients of many small batches are summed up, and the data ends before the step is due.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(10)
model = nn.Linear(6, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for batch in range(5):
    model(torch.randn(12, 6)).square().mean().backward()
    if (batch + 1) % 8 == 0:
        optimizer.step()
        optimizer.zero_grad()
