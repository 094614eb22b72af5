"""One optimizer; the backbone's features are detached for a warm-up of 30 iterations.

Findings: none
Ends: 20
"""

import torch
from torch import nn

torch.manual_seed(42)
backbone = nn.Sequential(nn.Linear(4, 6), nn.Tanh())
head = nn.Linear(6, 1)
optimizer = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=1e-2)
for step in range(40):
    x = torch.randn(8, 4)
    features = backbone(x)
    if step < 30:
        features = features.detach()
    loss = nn.functional.mse_loss(head(features), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
