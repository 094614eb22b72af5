"""A hand-written linear layer returns the weight's gradient transposed.

Findings: G107
Line: 11 or 18 or 20 or 26 or 27
Raises: RuntimeError
"""

import torch


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight.t()

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        return grad_out @ weight, x.t() @ grad_out


torch.manual_seed(2)
weight = torch.randn(2, 5, requires_grad=True)
x = torch.randn(7, 5)
loss = Linear.apply(x, weight).relu().sum()
loss.backward()
