"""forward takes an input and a weight, backward returns one gradient.

Findings: G107
Line: 12 or 19 or 21 or 30 or 38
Raises: RuntimeError
"""

import torch
from torch import nn


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x * weight

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        return grad * weight


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x):
        return Scaled.apply(x, self.weight)


torch.manual_seed(1)
model = nn.Sequential(nn.Linear(3, 4), Layer())
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss = model(torch.randn(5, 3)).square().mean()
optimizer.zero_grad()
loss.backward()
