"""A function with a backward of its own

Lesson: How to write an op with a backward of your own, and how to check that.

`torch.autograd.Function` lets you write both directions yourself: `forward` computes, and
`backward` is given upstream and must return upstream * local, one gradient for each
argument of `forward` (None for an argument that has none, like `limit`).

`SafeSqrt` is a square root whose derivative, 1 / (2 * sqrt(x)), is kept from becoming
infinite near 0. PyTorch believes whatever a backward returns. Nothing checks it, and
gradb does not run such code on its own to measure it either, because it may have side
effects: the pane shows what went in and what came out.

So check it yourself: `torch.autograd.gradcheck` compares it with finite differences, and so
does `gradcheck x[1]` in gradb, for one element. For x = 0 the two must disagree, since there the
function deliberately says something other than the truth.
"""

import torch


class SafeSqrt(torch.autograd.Function):
    """A square root whose derivative is at most ``limit``."""

    @staticmethod
    def forward(ctx, x, limit):
        root = x.sqrt()
        ctx.save_for_backward(root)
        ctx.limit = limit
        return root

    @staticmethod
    def backward(ctx, upstream):
        (root,) = ctx.saved_tensors
        local = (1 / (2 * root)).clamp(max=ctx.limit)
        return upstream * local, None


#: A leaf, with a 0: there the slope of a square root is infinite.
x = torch.tensor([0.0, 1.0, 4.0], requires_grad=True)
#: One node for the whole function, SafeSqrtBackward, whatever forward() does.
root = SafeSqrt.apply(x, 100.0)
#: Weights of 1, 2 and 3, so that one can see where each number goes.
loss = (root * torch.tensor([1.0, 2.0, 3.0])).sum()
#: At SafeSqrtBackward the engine calls your backward(), and passes on whatever
#: it returns. Chain rule pane: what went in, and what came out.
# ? x.grad
# ? hint: 1, 2 and 3 arrive. The local derivative is 1 / (2 * root), at most 100.
# ? hint: root is [0, 1, 2], so local is [100, 1/2, 1/4].
loss.backward()
print("x.grad:", x.grad.tolist())
