"""After the EMA copy was made, the optimizer was created from the copy.

Findings: G002
May: G001
Line: 19 or 28
"""

import copy

import torch
from torch import nn

torch.manual_seed(7)
net = nn.Sequential(nn.Linear(3, 9), nn.GELU(), nn.Linear(9, 3))
ema = copy.deepcopy(net)


def configure(module):
    return torch.optim.AdamW(module.parameters(), lr=2e-3, weight_decay=0.0)


optimizer = configure(ema)
x = torch.randn(32, 3)
for _ in range(9):
    loss = (net(x) - x.flip(1)).abs().mean()
    net.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for slow, fast in zip(ema.parameters(), net.parameters()):
            slow.lerp_(fast, 0.01)
