"""Most rows of the embedding are never used; their gradient is zero, and that is fine.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(61)
model = nn.Sequential(nn.EmbeddingBag(100, 6), nn.Linear(6, 2))
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
for step in range(6):
    ids = torch.randint(0, 10, (8, 4))
    loss = nn.functional.cross_entropy(model(ids), ids[:, 0] % 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
