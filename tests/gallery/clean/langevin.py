"""Stochastic gradient Langevin dynamics: an update by hand with noise.

Findings: none
"""

import torch

torch.manual_seed(90)
theta = torch.zeros(2, requires_grad=True)
data = torch.randn(30, 2) + torch.tensor([1.0, -1.0])
samples = []
for step in range(15):
    energy = 0.5 * ((data - theta) ** 2).sum() + 0.5 * (theta**2).sum()
    (gradient,) = torch.autograd.grad(energy, theta)
    with torch.no_grad():
        theta.add_(-0.005 * gradient + 0.1 * torch.randn(2))
    samples.append(theta.detach().clone())
print(torch.stack(samples)[5:].mean(0))
