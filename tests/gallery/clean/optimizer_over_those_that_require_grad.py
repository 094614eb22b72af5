"""filter(lambda p: p.requires_grad, ...) picks what is to be trained.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(2)
model = nn.Sequential(nn.Embedding(12, 6), nn.Flatten(), nn.Linear(18, 4))
model[0].weight.requires_grad = False
optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
for step in range(6):
    ids = torch.randint(0, 12, (10, 3))
    loss = nn.functional.cross_entropy(model(ids), ids[:, 0] % 4)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
