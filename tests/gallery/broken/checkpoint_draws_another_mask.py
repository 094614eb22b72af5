"""The random state is not kept for a checkpoint, to save time: dropout draws another mask in the second pass.

Findings: G018
Line: 18
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(2)
first, second, head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1)
optimizer = torch.optim.Adam([*first.parameters(), *second.parameters(), *head.parameters()], lr=1e-2)


def block(x):
    h = torch.tanh(first(x))
    h = nn.functional.dropout(h, 0.5)
    return torch.tanh(second(h))


for i in range(6):
    x = torch.randn(16, 4)
    h = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)
    loss = nn.functional.mse_loss(head(h), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
