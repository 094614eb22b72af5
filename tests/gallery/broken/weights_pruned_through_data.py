"""Small weights are set to zero through .data inside of forward, right after the layer has used them.

Findings: G013
Line: 19
"""

import torch
from torch import nn


class Pruned(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 10), nn.Linear(10, 2)

    def forward(self, x):
        out = self.second(torch.relu(self.first(x)))
        weight = self.second.weight
        weight.data[weight.abs() < 0.15] = 0.0
        return out


torch.manual_seed(4)
model = Pruned()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    x, y = torch.randn(12, 4), torch.randint(0, 2, (12,))
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
