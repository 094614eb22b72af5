"""Twenty sigmoid layers: the first ones get gradients many orders of magnitude below those of the last.

Findings: none
Hints: G052
"""

import torch
from torch import nn

torch.manual_seed(0)
layers = []
for _ in range(20):
    layers += [nn.Linear(10, 10), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(10, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(32, 10), torch.randn(32, 1)
for epoch in range(6):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
