"""All pairs are meant: (N, 1, D) minus (1, M, D) in a contrastive loss.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(31)
encoder = nn.Linear(5, 3)
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-2)
labels = torch.arange(12) % 3
same = (labels[:, None] == labels[None, :]).float()
for step in range(6):
    z = encoder(torch.randn(12, 5))
    squared = (z[:, None, :] - z[None, :, :]).pow(2).sum(-1)
    loss = (same * squared + (1 - same) * torch.relu(1 - squared)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
