"""An ODE integrated by Euler steps, with one network called many times in a row.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(85)
field = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 2))
optimizer = torch.optim.Adam(field.parameters(), lr=1e-2)
start, end = torch.randn(10, 2), torch.randn(10, 2)
for step in range(5):
    state = start
    for _ in range(8):
        state = state + 0.1 * field(state)
    loss = (state - end).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
