"""A compiled function is one node."""

import torch


@torch.compile(backend="aot_eager")
def double(v):
    return (v * 2).exp()


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = double(x)
y.sum().backward()
