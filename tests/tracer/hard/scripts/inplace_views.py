"""A view written in place, and an op in place."""

import torch

a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = a * 1
v = b[:2]
v.mul_(3)
b.sum().backward()
