"""Layers kept in a plain Python list are unknown to parameters(), so they stay as they were initialised.

Findings: G001
Line: 15 or 27 or 34
"""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=12, depth=3):
        super().__init__()
        self.inp = nn.Linear(5, width)
        self.hidden = [nn.Linear(width, width) for _ in range(depth)]
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.relu(self.inp(x))
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


torch.manual_seed(1)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
data = torch.randn(40, 5)
target = data.sum(1, keepdim=True)
for step in range(8):
    loss = nn.functional.mse_loss(model(data), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
