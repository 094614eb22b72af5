"""A head is added after the model was moved; the model's outputs come to it from another device.

Findings: G119
Raises: RuntimeError
Line: 18
"""

import torch
from torch import nn

model = nn.Sequential(nn.Linear(5, 8), nn.ReLU())
model.to("meta")
head = nn.Linear(8, 2)
optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()])
for epoch in range(2):
    x = torch.randn(7, 5).to("meta")
    y = torch.randint(0, 2, (7,)).to("meta")
    loss = nn.functional.cross_entropy(head(model(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
