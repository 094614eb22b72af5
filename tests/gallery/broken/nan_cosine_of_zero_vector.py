"""Cosine similarity by hand divides by the length of an embedding that is all zeros (the padding token).

Findings: G016
Line: 16
"""

import torch
from torch import nn

torch.manual_seed(21)
table = nn.Embedding(10, 4, padding_idx=0)
optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
left, right = torch.tensor([1, 2, 0, 4]), torch.tensor([3, 5, 6, 7])
for step in range(3):
    a, b = table(left), table(right)
    cosine = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    loss = (1 - cosine).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
