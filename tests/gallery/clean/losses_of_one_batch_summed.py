"""Losses of the examples of one batch are summed with +=, and backward runs once on the sum.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(71)
model = nn.LSTM(3, 4, batch_first=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(5):
    loss = 0
    for length in (3, 5, 2):
        x = torch.randn(1, length, 3)
        out, _ = model(x)
        loss += out[..., :3].sub(x).pow(2).mean()
    optimizer.zero_grad()
    (loss / 3).backward()
    optimizer.step()
