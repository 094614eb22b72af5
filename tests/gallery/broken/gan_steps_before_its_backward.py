"""The discriminator's step stands before its backward; the generator's is right.

Findings: G006
May: G005
Line: 20 or 21
"""

import torch
from torch import nn

torch.manual_seed(2)
gen = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
disc = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
opt_gen = torch.optim.RMSprop(gen.parameters(), lr=1e-3)
opt_disc = torch.optim.RMSprop(disc.parameters(), lr=1e-3)
for step in range(8):
    fake = gen(torch.randn(10, 3))
    opt_disc.zero_grad()
    d_loss = disc(fake.detach()).mean() - disc(torch.randn(10, 2)).mean()
    opt_disc.step()
    d_loss.backward()
    opt_gen.zero_grad()
    g_loss = -disc(fake).mean()
    g_loss.backward()
    opt_gen.step()
