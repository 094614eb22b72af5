"""The loss is divided by the number of positive anchors, and the second batch has none.

Findings: G016
Line: 14
"""

import torch
from torch import nn


def focal_like(logits, targets):
    positive = targets > 0.5
    per_anchor = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (per_anchor * positive).sum() / positive.sum()


torch.manual_seed(12)
detector = nn.Linear(6, 1)
optimizer = torch.optim.SGD(detector.parameters(), lr=0.1)
for step in range(4):
    x = torch.randn(12, 6)
    targets = (x[:, :1] > (9.0 if step == 1 else 0.5)).float()
    loss = focal_like(detector(x), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
