"""A clamp_ in a hook on the residual branch clips the gradient of the skip connection as well.

Findings: G014
Line: 22 or 23 or 24
"""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        out = torch.tanh(self.layer(x))
        if out.requires_grad:
            out.register_hook(self.clip)
        return x + out

    @staticmethod
    def clip(grad):
        return grad.clamp_(-1e-3, 1e-3)


torch.manual_seed(2)
net = nn.Sequential(nn.Linear(3, 8), Block(8), Block(8), nn.Linear(8, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(5):
    x = torch.randn(10, 3)
    loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
