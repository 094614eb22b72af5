"""Dropout with inplace=True after ReLU: ReLU needs its result for the backward, and dropout overwrites it.

Findings: G101
Line: 15 or 21
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(42)
model = nn.Sequential(
    nn.Conv2d(1, 4, 3),
    nn.ReLU(inplace=True),
    nn.Dropout2d(0.1, inplace=True),
    nn.Flatten(),
    nn.Linear(64, 3),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(5):
    scores = model(torch.randn(6, 1, 6, 6))
    loss = nn.functional.cross_entropy(scores, torch.randint(0, 3, (6,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
