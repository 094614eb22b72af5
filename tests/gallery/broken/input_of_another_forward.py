"""Gradient penalty: the gradient is asked with respect to interpolates that the critic never saw.

Findings: G108
Line: 17 or 18
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(1)
critic = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
real, fake = torch.randn(6, 2), torch.randn(6, 2)
epsilon = torch.rand(6, 1)
mixed = epsilon * real + (1 - epsilon) * fake
scores = critic(mixed.requires_grad_())
mixed = mixed.clone().requires_grad_()
(gradient,) = torch.autograd.grad(scores.sum(), mixed, create_graph=True)
penalty = (gradient.norm(2, dim=1) - 1).pow(2).mean()
penalty.backward()
