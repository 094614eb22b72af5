"""Two losses share the encoder, and backward is called on each.

Findings: G102
Line: 13 or 14 or 17
Raises: RuntimeError
"""

import torch
from torch import nn


def step(encoder, heads, optimizer, x):
    z = torch.relu(encoder(x))
    losses = [head(z).pow(2).mean() for head in heads]
    optimizer.zero_grad()
    for loss in losses:
        loss.backward()
    optimizer.step()


torch.manual_seed(4)
encoder, heads = nn.Linear(6, 6), [nn.Linear(6, 1), nn.Linear(6, 2)]
optimizer = torch.optim.Adam([p for m in (encoder, *heads) for p in m.parameters()])
step(encoder, heads, optimizer, torch.randn(9, 6))
