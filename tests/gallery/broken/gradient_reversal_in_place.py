"""Gradient reversal negates grad_output in place, which is also the gradient of the label branch.

Findings: G014
Line: 18
"""

import torch
from torch import nn


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad.neg_()


torch.manual_seed(1)
features, other = nn.Linear(5, 4), nn.Linear(5, 4)
optimizer = torch.optim.Adam([*features.parameters(), *other.parameters()], lr=1e-2)
for step in range(6):
    x = torch.randn(12, 5)
    mixed = other(x) + Reverse.apply(features(x))
    loss = mixed.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
