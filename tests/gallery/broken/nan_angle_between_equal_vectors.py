"""The angle between two equal unit vectors: rounding makes their cosine a little more than 1, and acos of that is nan.

Findings: G016
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(29)
net = nn.Linear(3, 3)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
x = torch.randn(64, 3)
for step in range(3):
    a = nn.functional.normalize(net(x), dim=1)
    b = nn.functional.normalize(net(x) * 1.7, dim=1)
    cosine = (a * b).sum(1)
    loss = torch.acos(cosine).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
