"""Broadcasting that is meant: a bias, a per-feature scale, a normalisation by mean and std.

Findings: none
"""

import torch

torch.manual_seed(30)
scale = torch.ones(4, requires_grad=True)
bias = torch.zeros(4, requires_grad=True)
w = torch.randn(4, 1, requires_grad=True)
optimizer = torch.optim.SGD([scale, bias, w], lr=0.05)
x = 3 * torch.randn(20, 4) + 1
y = x.sum(1, keepdim=True) / 10
for step in range(8):
    normal = (x - x.mean(0)) / x.std(0, keepdim=True)
    out = (normal * scale + bias) @ w
    loss = ((out - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
