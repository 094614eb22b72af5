"""autograd.grad twice over the same graph without retain_graph.

Findings: G102
Line: 13 or 15
Raises: RuntimeError
"""

import torch

torch.manual_seed(5)
theta = torch.randn(4, requires_grad=True)
energy = (theta.exp() * theta).sum()
(first,) = torch.autograd.grad(energy, theta)
print(first)
(again,) = torch.autograd.grad(energy, theta)
print(again)
