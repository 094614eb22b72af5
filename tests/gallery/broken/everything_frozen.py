"""The loop that was to freeze the backbone froze the new head as well.

Findings: G103
Line: 15 or 20
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(10)
model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
model[2] = nn.Linear(8, 2)
for parameter in model.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.SGD(model[2].parameters(), lr=0.01)
x, y = torch.randn(6, 8), torch.randint(0, 2, (6,))
loss = nn.functional.cross_entropy(model(x), y)
optimizer.zero_grad()
loss.backward()
optimizer.step()
