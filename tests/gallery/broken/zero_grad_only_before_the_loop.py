"""zero_grad is called once, before the loop, in the belief that backward() replaces gradients.

Findings: G004
Line: 13 or 17 or 18
"""

import torch
from torch import nn

torch.manual_seed(7)
embedding, out = nn.Embedding(12, 4), nn.Linear(4, 12)
optimizer = torch.optim.Adagrad([*embedding.parameters(), *out.parameters()], lr=0.05)
optimizer.zero_grad()
for step in range(12):
    center = torch.randint(0, 12, (16,))
    loss = nn.functional.cross_entropy(out(embedding(center)), (center + 1) % 12)
    loss.backward()
    optimizer.step()
