"""OneCycleLR, stepped after each batch.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(31)
model = nn.Linear(6, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=12)
for step in range(12):
    x = torch.randn(10, 6)
    optimizer.zero_grad(set_to_none=True)
    nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
    optimizer.step()
    scheduler.step()
