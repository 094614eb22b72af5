"""The backward of a custom row sum returns the gradient of the sum instead of one with the input's shape.

Findings: G107
Line: 11 or 17 or 18 or 23 or 24
Raises: RuntimeError
"""

import torch


class RowSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sum(dim=1)

    @staticmethod
    def backward(ctx, grad):
        return grad


torch.manual_seed(0)
x = torch.randn(4, 3, requires_grad=True)
loss = RowSum.apply(x * 2).pow(2).sum()
loss.backward()
