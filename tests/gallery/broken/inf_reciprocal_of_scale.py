"""Features are divided by their maximum, and one column is all zeros: 0 / 0, and nothing says so until the loss.

Findings: G016
Line: 12
"""

import torch
from torch import nn


def normalise(columns):
    return columns / columns.abs().amax(dim=0)


torch.manual_seed(17)
raw = torch.randn(24, 5)
raw[:, 4] = 0
inputs = normalise(raw)
model = nn.Linear(5, 1)
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(4):
    loss = nn.functional.mse_loss(model(inputs), raw[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
