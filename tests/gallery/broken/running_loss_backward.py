"""The running loss is summed over batches and backward is called on the sum each time.

Findings: G102
Line: 18 or 20
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
total = 0.0
for step in range(4):
    x, y = torch.randn(10, 4), torch.randint(0, 2, (10,))
    loss = nn.functional.cross_entropy(model(x), y)
    total = total + loss
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
