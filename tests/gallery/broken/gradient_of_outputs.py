"""autograd.grad of all outputs of a network with respect to its input, as if they were one number.

Findings: G104
Line: 14 or 15
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(2)
net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
points = torch.rand(10, 2, requires_grad=True)
u = net(points)
(du,) = torch.autograd.grad(u, points, create_graph=True)
residual = (du[:, 0] - u[:, 0]).pow(2).mean()
residual.backward()
