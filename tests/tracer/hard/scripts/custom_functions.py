"""Functions with a backward of their own."""

import torch
from torch.autograd.function import once_differentiable


class Pair(torch.autograd.Function):
    """Two outputs, an argument that is no tensor, and gradients that are not made up where there are none."""

    @staticmethod
    def forward(ctx, x, scale):
        ctx.set_materialize_grads(False)
        ctx.scale = scale
        return x * scale, x + 1

    @staticmethod
    @once_differentiable
    def backward(ctx, first, second):
        return first * ctx.scale if second is None else second, None


class Dirty(torch.autograd.Function):
    """Changes its input in place."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(5)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 5


class Sorted(torch.autograd.Function):
    """Returns what gradients flow through, and indexes through which none do."""

    @staticmethod
    def forward(ctx, x):
        values, order = x.sort()
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(order)
        return values, order

    @staticmethod
    def backward(ctx, values, order):
        (indexes,) = ctx.saved_tensors
        return torch.zeros_like(values).index_put((indexes,), values)


x = torch.tensor([3.0, 1.0], requires_grad=True)
p, q = Pair.apply(x, 2.0)
d = Dirty.apply(p * 1)
v, order = Sorted.apply(d)
v[0].backward()
