"""A double-backprop penalty on the input gradient of a classifier.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(28)
model = nn.Sequential(nn.Linear(4, 8), nn.Softplus(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(6):
    x = torch.randn(10, 4, requires_grad=True)
    y = torch.randint(0, 2, (10,))
    loss = nn.functional.cross_entropy(model(x), y)
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    total = loss + 0.1 * gradient.pow(2).sum(1).mean()
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
