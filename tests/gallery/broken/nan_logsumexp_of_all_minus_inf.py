"""All states of one step are forbidden in the forward algorithm: logsumexp of -inf alone, and nan in its backward.

Findings: G016
Line: 20 or 21 or 23
"""

import torch
from torch import nn

torch.manual_seed(14)
emissions = nn.Linear(3, 4)
optimizer = torch.optim.SGD(emissions.parameters(), lr=0.1)
allowed = torch.ones(5, 4, dtype=torch.bool)
allowed[3] = False
for step in range(3):
    scores = emissions(torch.randn(5, 3))
    scores = torch.where(allowed, scores, torch.tensor(float("-inf")))
    alpha = scores[0]
    for t in range(1, 5):
        alpha = scores[t] + torch.logsumexp(alpha, 0)
    loss = -torch.logsumexp(alpha, 0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
