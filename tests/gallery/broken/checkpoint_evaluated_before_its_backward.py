"""The model goes to eval() for a validation between the forward and its backward; a checkpoint's dropout is gone then.

Findings: G115
Raises: CheckpointError
Line: 18
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(4)
block = nn.Sequential(nn.Linear(5, 5), nn.Dropout(0.3), nn.Linear(5, 5), nn.ReLU())
head = nn.Linear(5, 1)
optimizer = torch.optim.Adam([*block.parameters(), *head.parameters()], lr=1e-3)
for epoch in range(3):
    x = torch.randn(10, 5)
    loss = nn.functional.mse_loss(head(checkpoint(block, x, use_reentrant=False)), x[:, :1])
    block.eval()
    with torch.no_grad():
        validation = head(block(torch.randn(4, 5))).mean().item()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    block.train()
