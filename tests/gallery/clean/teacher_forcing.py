"""A seq2seq decoder with teacher forcing half of the time; its own samples are detached.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(82)
embedding, cell, out = nn.Embedding(10, 6), nn.GRUCell(6, 8), nn.Linear(8, 10)
optimizer = torch.optim.Adam([p for m in (embedding, cell, out) for p in m.parameters()], lr=1e-2)
for step in range(6):
    target = torch.randint(0, 10, (4, 5))
    token, h, loss = torch.zeros(4, dtype=torch.long), torch.zeros(4, 8), 0.0
    for t in range(5):
        h = cell(embedding(token), h)
        logits = out(h)
        loss = loss + nn.functional.cross_entropy(logits, target[:, t])
        token = target[:, t] if (step + t) % 2 else logits.argmax(1).detach()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
