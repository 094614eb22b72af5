"""A layer is grown in the middle of the training, and a new optimizer is made for the new parameters.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(6)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(10):
    if step == 5:
        model[0], model[2] = nn.Linear(3, 8), nn.Linear(8, 1)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x = torch.randn(12, 3)
    loss = nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
