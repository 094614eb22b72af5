"""A learnable temperature in the loss module is never updated: the optimizer only has the encoders.

Findings: G001
Line: 18 or 29 or 35
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn


class ContrastiveLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, a, b):
        logits = self.logit_scale.exp() * F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
        labels = torch.arange(len(a))
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


torch.manual_seed(2)
image, text = nn.Linear(10, 6), nn.Linear(7, 6)
criterion = ContrastiveLoss()
optimizer = torch.optim.AdamW(itertools.chain(image.parameters(), text.parameters()), lr=1e-2)
pictures, captions = torch.randn(16, 10), torch.randn(16, 7)
for _ in range(5):
    loss = criterion(image(pictures), text(captions))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
