"""Missing values in the table are replaced with nan_to_num before training.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(52)
table = torch.randn(30, 4)
table[torch.rand(30, 4) < 0.1] = float("nan")
features = torch.nan_to_num(table, nan=0.0)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    loss = nn.functional.mse_loss(model(features), features.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
