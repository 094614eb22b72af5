"""The closure of LBFGS does not clear the gradients: each evaluation adds to those before.

Findings: G004
Line: 17 or 22
"""

import torch

torch.manual_seed(8)
theta = torch.randn(3, requires_grad=True)
x, y = torch.randn(20, 3), torch.randn(20)
optimizer = torch.optim.LBFGS([theta], lr=0.1, max_iter=3)


def closure():
    loss = (x @ theta - y).pow(2).mean()
    loss.backward()
    return loss


for step in range(4):
    optimizer.step(closure)
