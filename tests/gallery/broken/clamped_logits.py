"""Outputs are clamped to [0, 1], and they all lie outside: clamp passes no gradient.

Findings: none
Hints: G051
"""

import torch
from torch import nn


class Mask(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 4)
        nn.init.constant_(self.fc.bias, 30.0)

    def forward(self, x):
        return self.fc(x).clamp(0, 1)


torch.manual_seed(2)
model = Mask()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(10):
    x = torch.randn(16, 5)
    loss = nn.functional.binary_cross_entropy(model(x), (x[:, :4] > 0).float())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
