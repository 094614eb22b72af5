"""torch.empty makes a buffer that is filled before it is read.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(105)
model = nn.Linear(3, 2)
weight = torch.empty(2, 3)
nn.init.xavier_uniform_(weight)
model.weight.data.copy_(weight)
batch = torch.empty(8, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    batch.copy_(torch.randn(8, 3))
    loss = model(batch).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
