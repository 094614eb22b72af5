"""A custom Function whose backward forgets the 2 of d(x²)/dx."""

import torch


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * x


a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
print("a line that no check shows")
loss = Square.apply(a).sum()
loss.backward()
raise SystemExit("no check comes this far")
