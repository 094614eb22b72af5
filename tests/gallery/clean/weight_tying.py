"""Input and output embedding share one weight; model.parameters() lists it once.

Findings: none
"""

import torch
from torch import nn


class LanguageModel(nn.Module):
    def __init__(self, words=16, width=8):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.decoder = nn.Linear(width, words, bias=False)
        self.decoder.weight = self.embedding.weight

    def forward(self, ids):
        return self.decoder(self.rnn(self.embedding(ids))[0])


torch.manual_seed(9)
model = LanguageModel()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(6):
    ids = torch.randint(0, 16, (4, 7))
    loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
