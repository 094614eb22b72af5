"""Weights drawn from a standard normal without a factor: from the last layer to the first the gradients explode.

Findings: none
Hints: G052
"""

import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self, depth=12, width=32):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        for layer in self.layers:
            nn.init.normal_(layer.weight)
        self.out = nn.Linear(width, 1)
        nn.init.normal_(self.out.weight, std=1e-9)

    def forward(self, x):
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), 0.5)
        return self.out(x)


torch.manual_seed(1)
model = Deep()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-12)
x, y = torch.randn(16, 32), torch.randn(16, 1)
for step in range(5):
    loss = (model(x) - y).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
