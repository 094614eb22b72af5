"""Autograd as a calculator: derivatives of functions, no training; backward twice adds up as it is meant to.

Findings: none
"""

import torch

x = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)
(x**3).sum().backward()
print(x.grad)
torch.sin(x).sum().backward()
print(x.grad)
print(torch.autograd.functional.hessian(lambda t: (t**4).sum(), x.detach()))
