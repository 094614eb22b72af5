"""Integers cannot require a gradient

A gradient says how a result changes when its input moves a little, and an integer
cannot move a little. So only tensors of floating point or complex dtype can require
one, and asking for it on integers raises at once, before any op. The cure is a decimal
point: `1.` is a float.

The shape plays no part in it. A leaf made by hand has no `grad_fn` either way; its
history begins with the first op.
"""

import torch

try:
    a = torch.tensor([[1, 2], [3, 4]], requires_grad=True)
except RuntimeError as error:
    print(error)

a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
out = (a * a).sum()
out.backward()
print(a.grad)
