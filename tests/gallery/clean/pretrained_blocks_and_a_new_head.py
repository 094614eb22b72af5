"""Blocks whose weights differ by a factor of three from one to the next, and a small new head.

Findings: none
Hints: none
"""

import torch
from torch import nn

torch.manual_seed(6)
blocks = nn.ModuleList(nn.Sequential(nn.Linear(16, 16), nn.Tanh()) for _ in range(6))
with torch.no_grad():
    for number, block in enumerate(blocks):
        block[0].weight.mul_(3.0 if number % 2 else 1.0)
head = nn.Linear(16, 1)
nn.init.normal_(head.weight, std=1e-2)
optimizer = torch.optim.SGD([*blocks.parameters(), *head.parameters()], lr=1e-4)
x, y = torch.randn(32, 16), torch.randn(32, 1)
for step in range(5):
    h = x
    for block in blocks:
        h = h + block(h)
    loss = nn.functional.mse_loss(head(h).squeeze(1), y.squeeze(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
