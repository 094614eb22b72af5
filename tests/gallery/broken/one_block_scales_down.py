"""Six residual blocks, and one of them scales what it is given by 1e-4: the blocks below it hardly get a gradient.

Findings: none
Hints: G052
"""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, factor):
        super().__init__()
        self.factor = factor
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x):
        x = x * self.factor
        return x + self.down(torch.tanh(self.up(self.norm(x))))


torch.manual_seed(3)
blocks = [Block(16, 1e-4 if number == 3 else 1.0) for number in range(6)]
model = nn.Sequential(nn.Linear(16, 16), *blocks, nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
x, y = torch.randn(32, 16), torch.randn(32, 1)
for step in range(5):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
