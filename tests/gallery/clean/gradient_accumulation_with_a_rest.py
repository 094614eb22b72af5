"""Accumulation over 4 of 10 batches: the last two get a step of their own after the loop.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(1)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
batches = [torch.randn(6, 4) for _ in range(10)]
for epoch in range(2):
    pending = 0
    for batch in batches:
        (nn.functional.l1_loss(model(batch), batch.sum(1, keepdim=True)) / 4).backward()
        pending += 1
        if pending == 4:
            optimizer.step()
            optimizer.zero_grad()
            pending = 0
    if pending:
        optimizer.step()
        optimizer.zero_grad()
