"""New tokens were added: the embedding was replaced by a larger one, which the optimizer does not know.

Findings: G003
May: G001 G002
Line: 23 or 30 or 33 or 39
"""

import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.embedding = nn.Embedding(words, 6)
        self.out = nn.Linear(6, 2)

    def forward(self, ids):
        return self.out(self.embedding(ids).mean(1))

    def resize(self, words):
        old = self.embedding
        self.embedding = nn.Embedding(words, 6)
        with torch.no_grad():
            self.embedding.weight[: old.num_embeddings] = old.weight


torch.manual_seed(9)
model = Tagger(20)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
for epoch in range(3):
    if epoch == 1:
        model.resize(25)
    for _ in range(3):
        ids = torch.randint(0, model.embedding.num_embeddings, (8, 5))
        loss = nn.functional.cross_entropy(model(ids), ids[:, 0] % 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
