"""WGAN weight clipping through .data was put between forward and backward: the gradient is of other weights.

Findings: G013
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(0)
critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.RMSprop(critic.parameters(), lr=5e-2)
for step in range(8):
    real, fake = torch.randn(32, 2) + 3, torch.randn(32, 2)
    loss = critic(fake).mean() - critic(real).mean()
    optimizer.zero_grad()
    for p in critic.parameters():
        p.data.clamp_(-0.05, 0.05)
    loss.backward()
    optimizer.step()
