"""Sharpness-aware minimisation: a first backward to climb, a second at the climbed point, then the step.

Findings: none
"""

import torch
from torch import nn


class SAM:
    def __init__(self, params, base, rho=0.05):
        self.params, self.base, self.rho, self.moves = list(params), base, rho, []

    @torch.no_grad()
    def climb(self):
        norm = torch.stack([p.grad.norm() for p in self.params]).norm() + 1e-12
        self.moves = [p.grad * (self.rho / norm) for p in self.params]
        for p, move in zip(self.params, self.moves):
            p.add_(move)
        self.base.zero_grad()

    @torch.no_grad()
    def descend(self):
        for p, move in zip(self.params, self.moves):
            p.sub_(move)
        self.base.step()
        self.base.zero_grad()


torch.manual_seed(27)
model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
sam = SAM(model.parameters(), torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9))
for step in range(6):
    x, y = torch.randn(12, 4), torch.randint(0, 2, (12,))
    nn.functional.cross_entropy(model(x), y).backward()
    sam.climb()
    nn.functional.cross_entropy(model(x), y).backward()
    sam.descend()
