"""torch.autograd.grad returns gradients and fills no .grad."""

import torch

a = torch.tensor([1.0, 2.0], requires_grad=True)
b = torch.tensor([3.0, 4.0], requires_grad=True)
c = a * b
da, dc = torch.autograd.grad(c.sum(), [a, c])
print(a.grad, da, dc)
