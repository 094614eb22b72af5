"""Fine-tuning: first the head alone, later the body too, which add_param_group gives to the optimizer.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(3)
body = nn.Sequential(nn.Linear(5, 10), nn.GELU()).requires_grad_(False)
head = nn.Linear(10, 2)
optimizer = torch.optim.SGD(head.parameters(), lr=0.05)
for epoch in range(10):
    if epoch == 5:
        body.requires_grad_(True)
        optimizer.add_param_group({"params": body.parameters(), "lr": 0.005})
    x = torch.randn(16, 5)
    loss = nn.functional.cross_entropy(head(body(x)), (x.sum(1) > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
