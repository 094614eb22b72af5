"""checkpoint_sequential over two segments.

Findings: none
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint_sequential

torch.manual_seed(41)
model = nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(5, 5), nn.Tanh())])
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for step in range(4):
    x = torch.randn(8, 5, requires_grad=True)
    loss = (checkpoint_sequential(model, 2, x, use_reentrant=False) - x.detach().tanh()).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
