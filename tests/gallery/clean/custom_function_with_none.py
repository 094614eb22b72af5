"""A custom Function with a constant argument gives None for it, and works in place where it says so.

Findings: none
"""

import torch
from torch import nn


class ScaleInPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        ctx.mark_dirty(x)
        return x.mul_(factor)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


torch.manual_seed(1)
model = nn.Linear(5, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(6):
    out = ScaleInPlace.apply(model(torch.randn(8, 5)), 0.5)
    loss = out.square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
