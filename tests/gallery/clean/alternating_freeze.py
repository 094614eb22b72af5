"""Coordinate descent with requires_grad switched: the optimizer has all, each epoch trains one half.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(95)
first, second = nn.Linear(4, 6), nn.Linear(6, 1)
optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.05)
for epoch in range(8):
    first.requires_grad_(epoch % 2 == 0)
    second.requires_grad_(epoch % 2 == 1)
    x = torch.randn(16, 4)
    loss = nn.functional.mse_loss(second(torch.tanh(first(x))), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
