"""A reentrant checkpoint over half precision; buffers, modes and weights change after the backward, not before it.

Findings: none
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(6)
block, head = nn.Sequential(nn.Linear(40, 40), nn.GELU(), nn.Linear(40, 40)), nn.Linear(40, 1)
optimizer = torch.optim.SGD([*block.parameters(), *head.parameters()], lr=0.05)
noise = torch.tensor(0.5)


def noisy(x):
    return block(x + noise * torch.randn_like(x))


for i in range(6):
    x = torch.randn(32, 40, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nn.functional.mse_loss(head(checkpoint(noisy, x, use_reentrant=True)).float(), x.detach()[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    noise.mul_(0.7)
