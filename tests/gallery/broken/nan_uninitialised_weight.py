"""A custom layer makes its weight with torch.empty and never initialises it: what lies in memory has a nan in it.

Findings: G016
Line: 14 or 17
"""

import torch
from torch import nn


class Scale(nn.Module):
    def __init__(self, width, memory):
        super().__init__()
        self.weight = nn.Parameter(torch.frombuffer(memory, dtype=torch.float32)[:width])

    def forward(self, x):
        return x * self.weight


torch.manual_seed(16)
leftover = bytearray(b"\x00\x00\x80\x3f" * 5 + b"\xff\xff\xff\xff" + b"\x00\x00\x80\x3f" * 2)
model = nn.Sequential(nn.Linear(4, 8), Scale(8, leftover), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(3):
    loss = model(torch.randn(6, 4)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
