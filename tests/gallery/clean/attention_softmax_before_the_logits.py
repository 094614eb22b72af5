"""There is a softmax in the network (attention over words), but what cross entropy gets are logits.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(25)
embedding, score, out = nn.Embedding(15, 6), nn.Linear(6, 1), nn.Linear(6, 4)
optimizer = torch.optim.Adam([p for m in (embedding, score, out) for p in m.parameters()], lr=1e-2)
for step in range(6):
    ids = torch.randint(0, 15, (7, 5))
    words = embedding(ids)
    weights = torch.softmax(score(words), dim=1)
    loss = nn.functional.cross_entropy(out((weights * words).sum(1)), ids[:, 0] % 4)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
