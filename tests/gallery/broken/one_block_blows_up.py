"""Eight equal layers, of which one was initialised two hundred times too large: below it gradients are far larger.

Findings: none
Hints: G052
"""

import torch
from torch import nn


class Network(nn.Module):
    def __init__(self, width=24, depth=8):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = nn.Linear(width, 1)

    def forward(self, h):
        for layer in self.layers:
            h = h + layer(h) / 4
        return self.head(h)


torch.manual_seed(5)
model = Network()
with torch.no_grad():
    model.layers[4].weight.mul_(200)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
x, y = torch.randn(20, 24), torch.randn(20, 1)
for step in range(5):
    loss = nn.functional.smooth_l1_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
