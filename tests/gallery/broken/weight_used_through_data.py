"""A hand-made layer uses self.weight.data in its forward, so that parameter never gets a gradient.

Findings: G002
Line: 18 or 23 or 30
"""

import torch
from torch import nn


class Bilinear(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, width) / width)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, a, b):
        return ((a @ self.weight.data) * b).sum(1) + self.bias


torch.manual_seed(8)
encoder, scorer = nn.Linear(4, 5), Bilinear(5)
optimizer = torch.optim.Adam([*encoder.parameters(), *scorer.parameters()], lr=1e-2)
for step in range(8):
    a, b = torch.randn(10, 4), torch.randn(10, 4)
    score = scorer(encoder(a), encoder(b))
    loss = nn.functional.binary_cross_entropy_with_logits(score, ((a * b).sum(1) > 0).float())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
