"""A hand-written softmax subtracts the maximum, and in a row of -inf that is -inf minus -inf.

Findings: G016
Line: 12
"""

import torch
from torch import nn


def stable_softmax(scores):
    shifted = scores - scores.max(dim=-1, keepdim=True).values
    e = shifted.exp()
    return e / e.sum(-1, keepdim=True)


torch.manual_seed(15)
key, value = nn.Linear(5, 5), nn.Linear(5, 5)
optimizer = torch.optim.Adam([*key.parameters(), *value.parameters()], lr=1e-3)
for step in range(3):
    x = torch.randn(2, 4, 5)
    mask = torch.zeros(2, 1, 4)
    mask[1] = float("-inf")
    weights = stable_softmax(x @ key(x).transpose(1, 2) + mask)
    loss = (weights @ value(x)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
