"""WGAN weight clipping through .data, after the step: no graph is alive then that would see it.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(44)
critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.RMSprop(critic.parameters(), lr=5e-2)
for step in range(8):
    loss = critic(torch.randn(16, 2)).mean() - critic(torch.randn(16, 2) + 3).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for p in critic.parameters():
        p.data.clamp_(-0.05, 0.05)
