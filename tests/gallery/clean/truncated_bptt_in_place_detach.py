"""The hidden state is cut with detach_() at the end of each iteration.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(23)
cell = nn.GRUCell(3, 5)
head = nn.Linear(5, 3)
optimizer = torch.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.05)
hidden = torch.zeros(4, 5)
for chunk in range(6):
    loss = 0
    for t in range(4):
        x = torch.randn(4, 3)
        hidden = cell(x, hidden)
        loss = loss + (head(hidden) - x).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    hidden = hidden.clone()
    hidden.detach_()
