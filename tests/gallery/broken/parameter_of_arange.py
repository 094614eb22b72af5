"""nn.Parameter(torch.arange(...)) holds integers, and integers have no gradient.

Findings: G105
Line: 15
Raises: RuntimeError
"""

import torch
from torch import nn


class Positions(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.position = nn.Parameter(torch.arange(length))

    def forward(self, x):
        return x + self.position


model = Positions(4)
model(torch.zeros(2, 4)).sum().backward()
