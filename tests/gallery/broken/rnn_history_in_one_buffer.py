"""Hidden states are written into one preallocated tensor, and each step reads from it what the next one overwrites.

Findings: G101
Line: 17
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(7)
cell = nn.Linear(6, 3)
x = torch.randn(4, 5, 3)
states = torch.ones(5, 4, 3)
for t in range(1, 5):
    previous = states[t - 1]
    states[t] = torch.tanh(cell(torch.cat([x[:, t], previous], 1))) * previous
loss = states.pow(2).sum()
loss.backward()
