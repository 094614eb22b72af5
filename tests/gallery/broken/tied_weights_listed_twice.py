"""The output layer's weight is the embedding's, and both were put into the list of parameters.

Findings: G012
Line: 29 or 36
"""

import warnings

import torch
from torch import nn


class LanguageModel(nn.Module):
    def __init__(self, words=20, width=8):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.rnn = nn.RNN(width, width, batch_first=True)
        self.decoder = nn.Linear(width, words, bias=False)
        self.decoder.weight = self.embedding.weight

    def forward(self, ids):
        return self.decoder(self.rnn(self.embedding(ids))[0])


warnings.simplefilter("ignore")
torch.manual_seed(1)
model = LanguageModel()
weights = [model.embedding.weight, *model.rnn.parameters(), model.decoder.weight]
optimizer = torch.optim.Adam(weights, lr=1e-3)
for _ in range(6):
    ids = torch.randint(0, 20, (4, 9))
    logits = model(ids[:, :-1])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
