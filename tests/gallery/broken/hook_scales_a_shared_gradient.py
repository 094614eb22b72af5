"""A hook halves the gradient of one branch in place, and the other branch of the sum gets the halved one too.

Findings: G014
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(0)
left, right, top = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 1)
optimizer = torch.optim.SGD([*left.parameters(), *right.parameters(), *top.parameters()], lr=0.05)
for step in range(6):
    x = torch.randn(16, 4)
    b = right(x)
    a = left(x)
    a.register_hook(lambda grad: grad.mul_(0.5))
    loss = nn.functional.mse_loss(top(a + b), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
