"""The loss is added up with item(), a history holds detached values.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(70)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
total, history, average = 0.0, [], None
for step in range(12):
    x = torch.randn(16, 8)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    total += loss.item()
    history.append(loss.detach())
    average = loss.detach() if average is None else 0.9 * average + 0.1 * loss.detach()
print(total / 12, torch.stack(history).min(), average)
