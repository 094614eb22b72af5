"""The loss is a sum over unnormalised targets, and the first SGD step throws the weights far away.

Findings: none
Hints: G053
"""

import torch

torch.manual_seed(1)
area = torch.rand(60, 1) * 50
price = area * 20
w = (torch.randn(1, 1) * 0.1).requires_grad_()
optimizer = torch.optim.SGD([w], lr=1e-3)
for step in range(3):
    loss = ((area @ w - price) ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
