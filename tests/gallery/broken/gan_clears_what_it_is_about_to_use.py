"""The GAN's generator update clears both optimizers after the backward and before the step.

Findings: G005
Line: 23 or 24
"""

import torch
from torch import nn

torch.manual_seed(2)
gen, disc = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 1))
optimizers = torch.optim.Adam(gen.parameters(), 2e-4), torch.optim.Adam(disc.parameters(), 2e-4)
for step in range(8):
    fake = gen(torch.randn(12, 3))
    optimizers[1].zero_grad()
    d_loss = (disc(fake.detach()) - disc(torch.randn(12, 2))).mean()
    d_loss.backward()
    optimizers[1].step()

    g_loss = -disc(fake).mean()
    g_loss.backward()
    for optimizer in optimizers:
        optimizer.zero_grad()
    optimizers[0].step()
