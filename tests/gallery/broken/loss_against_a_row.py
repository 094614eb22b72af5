"""Targets of one regression per task were stored as (1, N) and the predictions are (N, 1).

Findings: G010
Line: 19
"""

import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")
torch.manual_seed(4)
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
x = torch.randn(15, 2)
y = x.sum(1)[None]
for step in range(6):
    loss = nn.functional.huber_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
