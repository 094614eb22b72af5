"""zero_grad is never called, so every step uses the sum of all gradients so far.

Findings: G004
Line: 18 or 19
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x = torch.randn(50, 3)
y = x.sum(dim=1, keepdim=True)
for epoch in range(15):
    output = model(x)
    loss = nn.MSELoss()(output, y)
    loss.backward()
    optimizer.step()
