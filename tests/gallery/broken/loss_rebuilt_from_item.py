"""Losses are summed as Python numbers with item() and made a tensor again for backward.

Findings: G103
Line: 16 or 17
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(2)
model = nn.Linear(5, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
losses = []
for x, y in [(torch.randn(4, 5), torch.randint(0, 2, (4,))) for _ in range(3)]:
    losses.append(nn.functional.cross_entropy(model(x), y).item())
loss = torch.tensor(sum(losses) / len(losses))
optimizer.zero_grad()
loss.backward()
optimizer.step()
