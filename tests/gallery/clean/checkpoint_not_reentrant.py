"""Activation checkpointing with dropout inside, the kind by saved-tensor hooks.

Findings: none
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, width))

    def forward(self, x):
        return x + checkpoint(self.net, x, use_reentrant=False)


torch.manual_seed(40)
model = nn.Sequential(nn.Linear(3, 6), Block(6), Block(6), nn.Linear(6, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(5):
    x = torch.randn(9, 3)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
