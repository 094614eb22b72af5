"""The discriminator's loss is computed from a detached fake, and its backward retains the graph all the same.

Findings: none
Hints: G055
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(1)
G, D = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 1))
opt_g, opt_d = (torch.optim.Adam(m.parameters(), lr=1e-3) for m in (G, D))
for step in range(8):
    real, fake = torch.randn(10, 2), G(torch.randn(10, 3))
    d_loss = nn.functional.softplus(D(fake.detach())).mean() + nn.functional.softplus(-D(real)).mean()
    opt_d.zero_grad()
    d_loss.backward(retain_graph=True)
    opt_d.step()
    g_loss = nn.functional.softplus(-D(fake)).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
