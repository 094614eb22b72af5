"""torch.where hides the nan of the sqrt forward, and backward the sqrt still gets a gradient: 0 times nan.

Findings: G016
Line: 12
"""

import torch
from torch import nn


def signed_root(x):
    return torch.where(x > 0, torch.sqrt(x), torch.zeros_like(x))


torch.manual_seed(13)
net = nn.Linear(4, 8)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(3):
    out = signed_root(net(torch.randn(8, 4)))
    loss = (out - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
