"""The list given to the optimizer holds clones of the parameters: detached copies that no gradient reaches.

Findings: G002
May: G001
Line: 14 or 20
"""

import torch
from torch import nn

torch.manual_seed(6)
model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 1))
weights = [p.detach().clone().requires_grad_() for p in model.parameters()]
optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.9)
x, y = torch.randn(16, 3), torch.randn(16, 1)
for step in range(8):
    model.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
