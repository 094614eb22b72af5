"""log of a probability that underflowed to 0, multiplied by 0: the entropy term is nan.

Findings: G016
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(1)
policy = nn.Linear(3, 4)
with torch.no_grad():
    policy.weight.mul_(200)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
for step in range(4):
    p = torch.softmax(policy(torch.randn(8, 3)), dim=1)
    entropy = -(p * torch.log(p)).sum(1).mean()
    optimizer.zero_grad()
    (-entropy).backward()
    optimizer.step()
