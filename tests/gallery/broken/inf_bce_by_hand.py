"""Binary cross entropy by hand: sigmoid saturates at exactly 1, and log(1 - 1) is -inf.

Findings: G016
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(19)
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
x = torch.randn(20, 2) * 100
y = (x[:, :1] < 0).float()
for step in range(4):
    p = torch.sigmoid(model(x))
    loss = -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
