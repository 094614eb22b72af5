"""The critic is frozen while the generator is trained, and thawed for its own turn.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(2)
generator, critic = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 1))
opt_g = torch.optim.RMSprop(generator.parameters(), lr=1e-3)
opt_c = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
for step in range(8):
    critic.requires_grad_(True)
    with torch.no_grad():
        fake = generator(torch.randn(12, 3))
    loss_c = critic(fake).mean() - critic(torch.randn(12, 2)).mean()
    opt_c.zero_grad()
    loss_c.backward()
    opt_c.step()
    with torch.no_grad():
        for p in critic.parameters():
            p.clamp_(-0.1, 0.1)
    critic.requires_grad_(False)
    loss_g = -critic(generator(torch.randn(12, 3))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
