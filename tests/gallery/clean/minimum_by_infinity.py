"""A running best starts at infinity; the training itself is finite.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(22)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
best = torch.tensor(float("inf"))
distances = torch.full((4, 4), torch.inf)
for step in range(6):
    x = torch.randn(8, 3)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    best = torch.minimum(best, loss.detach())
    distances[step % 4, (step + 1) % 4] = loss.item()
print(best, distances.min())
