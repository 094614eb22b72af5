"""The backbone's features are cut off for a warm-up of 30 iterations, and the auxiliary head has no part in the loss.

Findings: none
Ends: 20
"""

import torch
from torch import nn

torch.manual_seed(41)
backbone = nn.Sequential(nn.Linear(4, 6), nn.Tanh())
head, auxiliary = nn.Linear(6, 1), nn.Linear(6, 2)
optimizers = [torch.optim.Adam(part.parameters(), lr=1e-2) for part in (backbone, head, auxiliary)]
for step in range(40):
    x = torch.randn(8, 4)
    with torch.set_grad_enabled(step >= 30):
        features = backbone(x)
    second = auxiliary(features)
    loss = nn.functional.mse_loss(head(features), x[:, :1])
    if step >= 30:
        loss = loss + nn.functional.mse_loss(second, x[:, :2])
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
