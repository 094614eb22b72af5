"""The embeddings are normalised through .data after the scores were computed from them.

Findings: G013
Line: 27
"""

import torch
from torch import nn


class TransE(nn.Module):
    def __init__(self):
        super().__init__()
        self.entity, self.relation = nn.Embedding(15, 4), nn.Embedding(3, 4)

    def score(self, head, rel, tail):
        return (self.entity(head) * self.relation(rel) * self.entity(tail)).sum(1)


torch.manual_seed(3)
model = TransE()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for epoch in range(6):
    head, tail, rel = torch.randint(0, 15, (8,)), torch.randint(0, 15, (8,)), torch.randint(0, 3, (8,))
    projected = model.entity.weight * 2.0
    score = model.score(head, rel, tail) - (projected**2).sum() * 1e-2
    projected.data /= projected.data.norm(dim=1, keepdim=True)
    loss = nn.functional.softplus(-score).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
