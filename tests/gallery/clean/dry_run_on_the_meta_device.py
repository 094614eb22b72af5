"""Shapes are tried out on the meta device, before the model is made where it is trained.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(2)
with torch.device("meta"):
    trial = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU())
    width = trial(torch.zeros(2, 3, 4)).shape[1]
model = nn.Sequential(nn.Flatten(), nn.Linear(12, width), nn.ReLU(), nn.Linear(width, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(5):
    x = torch.randn(6, 3, 4)
    loss = nn.functional.mse_loss(model(x), x.mean((1, 2)).unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
