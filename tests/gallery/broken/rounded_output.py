"""round() in the forward has derivative 0 everywhere: the gradient of every weight is zero.

Findings: none
Hints: G051
"""

import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x = torch.randn(40, 3)
y = x.sum(1, keepdim=True).round()
for step in range(10):
    loss = nn.functional.mse_loss(torch.round(model(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
