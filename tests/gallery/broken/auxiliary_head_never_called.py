"""The model has an auxiliary head that forward() never calls.

Findings: none
Hints: G054
May: G002
"""

import torch
from torch import nn


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(6, 12)
        self.main = nn.Linear(12, 3)
        self.auxiliary = nn.Linear(12, 3)

    def forward(self, x):
        h = torch.relu(self.trunk(x))
        return self.main(h)


torch.manual_seed(0)
model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = torch.randn(20, 6), torch.randint(0, 3, (20,))
for step in range(8):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
