"""Sixteen residual blocks with layer norm.

Findings: none
"""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.layer = nn.LayerNorm(width), nn.Linear(width, width)

    def forward(self, x):
        return x + 0.3 * torch.relu(self.layer(self.norm(x)))


torch.manual_seed(102)
model = nn.Sequential(nn.Linear(4, 8), *[Block(8) for _ in range(16)], nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(3):
    x = torch.randn(12, 4)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
