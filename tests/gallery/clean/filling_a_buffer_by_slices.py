"""Outputs are written into a zeros tensor slice by slice, each slice once.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(43)
cell, head = nn.GRUCell(3, 4), nn.Linear(4, 3)
optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()], lr=1e-2)
for step in range(5):
    x, h = torch.randn(6, 5, 3), torch.zeros(6, 4)
    outputs = torch.zeros(6, 5, 3)
    for t in range(5):
        h = cell(x[:, t], h)
        outputs[:, t] = head(h)
    loss = nn.functional.mse_loss(outputs[:, :-1], x[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
