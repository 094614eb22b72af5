"""Straight-through estimator: round() forward, identity backward, by a detached difference.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(3)
encoder, decoder = nn.Linear(4, 3), nn.Linear(3, 4)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
for step in range(8):
    x = torch.randn(16, 4)
    z = torch.sigmoid(encoder(x))
    hard = z + (z.round() - z).detach()
    loss = nn.functional.mse_loss(decoder(hard), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
