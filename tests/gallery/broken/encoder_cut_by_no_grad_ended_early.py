"""The encoder always runs under no_grad: seen in the first 20 of 40 iterations.

Findings: G002
Line: 12 or 13 or 16
Ends: 20
"""

import torch
from torch import nn

torch.manual_seed(45)
encoder, head = nn.Linear(4, 6), nn.Linear(6, 1)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=1e-2)
for step in range(40):
    x = torch.randn(8, 4)
    with torch.no_grad():
        features = encoder(x)
    loss = nn.functional.mse_loss(head(features), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
