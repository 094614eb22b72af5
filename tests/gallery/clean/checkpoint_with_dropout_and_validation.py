"""A checkpoint with dropout; the validation in eval() comes after the backward, and the mode is switched back.

Findings: none
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(4)
block = nn.Sequential(nn.Linear(5, 5), nn.Dropout(0.3), nn.Linear(5, 5), nn.ReLU())
head = nn.Linear(5, 1)
optimizer = torch.optim.Adam([*block.parameters(), *head.parameters()], lr=1e-3)
for epoch in range(4):
    block.train()
    x = torch.randn(10, 5)
    loss = nn.functional.mse_loss(head(checkpoint(block, x, use_reentrant=False)), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    block.eval()
    with torch.no_grad():
        validation = head(block(torch.randn(4, 5))).mean().item()
