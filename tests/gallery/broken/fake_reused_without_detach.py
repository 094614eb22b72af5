"""The generator's fake goes into the discriminator's loss without detach(), and its graph is gone afterwards.

Findings: G102
Line: 22 or 25 or 26
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(2)
generator = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
discriminator = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
loss_fn = nn.BCEWithLogitsLoss()
opt_g = torch.optim.Adam(generator.parameters(), 1e-3)
opt_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
real = torch.randn(8, 2)
for i in range(3):
    fake = generator(torch.randn(8, 4))
    opt_d.zero_grad()
    d_loss = loss_fn(discriminator(real), torch.ones(8, 1)) + loss_fn(discriminator(fake), torch.zeros(8, 1))
    d_loss.backward()
    opt_d.step()
    opt_g.zero_grad()
    g_loss = loss_fn(discriminator(fake), torch.ones(8, 1))
    g_loss.backward()
    opt_g.step()
