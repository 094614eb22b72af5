"""Empty bags are divided by 0 and then replaced by where(): fine forward, and inf times 0 in the backward.

Findings: G016
Line: 16
"""

import torch
from torch import nn

torch.manual_seed(22)
words = nn.Linear(5, 3)
optimizer = torch.optim.SGD(words.parameters(), lr=0.1)
counts = torch.tensor([[3.0], [0.0], [1.0]])
for step in range(3):
    sums = words(torch.randn(3, 5))
    mean = sums / counts
    mean = torch.where(counts == 0, torch.zeros_like(mean), mean)
    loss = mean.pow(2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
