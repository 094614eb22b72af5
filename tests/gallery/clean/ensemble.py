"""Five models trained side by side by one optimizer on the sum of their losses.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(97)
members = nn.ModuleList(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)) for _ in range(5))
optimizer = torch.optim.Adam(members.parameters(), lr=1e-2)
for step in range(6):
    x = torch.randn(12, 3)
    target = x.prod(1, keepdim=True)
    loss = torch.stack([nn.functional.mse_loss(m(x), target) for m in members]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print(torch.stack([m(torch.randn(2, 3)) for m in members]).std(0))
