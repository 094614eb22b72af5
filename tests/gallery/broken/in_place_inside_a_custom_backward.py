"""A custom backward scales its saved tensor in place; the second term of the loss has saved the same tensor.

Findings: G101
Line: 21
Raises: RuntimeError
"""

import torch


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x, factor)
        return factor * x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        x, factor = ctx.saved_tensors
        s = torch.sigmoid(x)
        factor.mul_(2.0)
        return grad * (s + x * s * (1 - s)) * factor, None


torch.manual_seed(6)
w = torch.randn(5, requires_grad=True)
factor = torch.ones(5)
early = w.sin() * factor
loss = (Swish.apply(w.cos(), factor) + early).sum()
loss.backward()
