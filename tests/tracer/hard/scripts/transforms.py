"""Gradients by torch.func."""

import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
g = torch.func.grad(lambda v: (v**2).sum())(x.detach())
doubled = torch.func.vmap(lambda v: v * 2)(x)
doubled.sum().backward()
