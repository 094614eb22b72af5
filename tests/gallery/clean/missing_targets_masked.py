"""Missing targets are nan; the loss is taken over the rows that have one.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(53)
x = torch.randn(24, 3)
y = x.sum(1)
y[::5] = float("nan")
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(8):
    known = ~torch.isnan(y)
    loss = (model(x).squeeze(1)[known] - y[known]).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
