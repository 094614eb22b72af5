"""squeeze(-1) makes output and target the same shape.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(29)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(8):
    x = torch.randn(32, 4)
    y = x[:, 0] - x[:, 3]
    loss = nn.functional.mse_loss(model(x).squeeze(-1), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
