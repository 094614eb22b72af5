"""A tagger takes softmax over the tags, reshapes, and gives that to cross entropy.

Findings: G011
Line: 18 or 19
"""

import torch
from torch import nn

torch.manual_seed(2)
embed, lstm, tags = nn.Embedding(30, 8), nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 5)
parameters = [p for module in (embed, lstm, tags) for p in module.parameters()]
optimizer = torch.optim.AdamW(parameters, lr=1e-2)
for step in range(5):
    words = torch.randint(0, 30, (4, 7))
    labels = words % 5
    states, _ = lstm(embed(words))
    scores = torch.softmax(tags(states), dim=2)
    loss = nn.functional.cross_entropy(scores.view(-1, 5), labels.view(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
