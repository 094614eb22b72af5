"""A custom Function between two matrix products, and random numbers after the backward."""

import torch


class Cube(torch.autograd.Function):
    """x to the third; its backward draws a random number."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        torch.rand(1)
        return gradient * 3 * x * x


torch.manual_seed(0)
A = torch.arange(6.0).reshape(2, 3).requires_grad_()
B = torch.arange(6.0).reshape(3, 2).requires_grad_()
out = A @ B
cubes = Cube.apply(out)
cubes.sum().backward()
print(A.grad, torch.rand(2))
