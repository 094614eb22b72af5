"""for p in model.parameters(): p.grad = None, at the top of the loop.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(8)
model = nn.Linear(6, 3)
optimizer = torch.optim.Adam(model.parameters())
for step in range(8):
    for param in model.parameters():
        param.grad = None
    x = torch.randn(10, 6)
    loss = nn.functional.cross_entropy(model(x), x.argmax(1) % 3)
    loss.backward()
    optimizer.step()
