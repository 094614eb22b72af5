"""Validation forgot no_grad: it builds graphs that nobody runs backward through. Wasteful, not wrong.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(51)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(4):
    for x in torch.randn(2, 10, 3):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), x[:, :1]).backward()
        optimizer.step()
    validation = torch.randn(10, 3)
    print(nn.functional.mse_loss(model(validation), validation[:, :1]).item())
