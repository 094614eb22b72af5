"""Rows are normalised through .data at the start of each iteration, before anything is computed from them.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(45)
entity = nn.Embedding(15, 4)
optimizer = torch.optim.SGD(entity.parameters(), lr=0.5)
for epoch in range(6):
    entity.weight.data /= entity.weight.data.norm(dim=1, keepdim=True)
    head, tail = torch.randint(0, 15, (8,)), torch.randint(0, 15, (8,))
    loss = nn.functional.softplus((entity(head) - entity(tail)).abs().sum(1) - 1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
