"""nn.ReLU(inplace=True) after convolutions with batch norm.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(42)
model = nn.Sequential(
    nn.Conv2d(1, 4, 3),
    nn.BatchNorm2d(4),
    nn.ReLU(inplace=True),
    nn.Flatten(),
    nn.Linear(64, 3),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(5):
    loss = nn.functional.cross_entropy(model(torch.randn(6, 1, 6, 6)), torch.randint(0, 3, (6,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
