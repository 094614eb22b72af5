"""LayerScale as in CaiT: each residual branch is multiplied by 1e-4 at first, which is on purpose and hides no block.

Findings: none
Hints: none
"""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 1e-4))

    def forward(self, x):
        return x + self.gamma * self.down(nn.functional.gelu(self.up(self.norm(x))))


torch.manual_seed(4)
model = nn.Sequential(nn.Linear(16, 16), *(Block(16) for _ in range(6)), nn.LayerNorm(16), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
x, y = torch.randn(32, 16), torch.randn(32, 1)
for step in range(5):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
