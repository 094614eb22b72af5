"""An orthogonality penalty is computed once before the loop and added to every loss.

Findings: G102
Line: 15 or 18 or 20
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(3)
layer = nn.Linear(5, 5)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
gram = layer.weight @ layer.weight.T
penalty = (gram - torch.eye(5)).pow(2).sum()
for step in range(4):
    x = torch.randn(10, 5)
    loss = (layer(x) - x).pow(2).mean() + 0.1 * penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
