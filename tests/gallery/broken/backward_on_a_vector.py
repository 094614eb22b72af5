"""The loss was not reduced: backward() is called on one value per example.

Findings: G104
Line: 16 or 18
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 2)
criterion = nn.CrossEntropyLoss(reduction="none")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(6, 4), torch.randint(0, 2, (6,))
loss = criterion(model(x), y)
optimizer.zero_grad()
loss.backward()
optimizer.step()
