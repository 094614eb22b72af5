"""GAN: the discriminator is stepped between the generator's forward through it and the generator's backward.

Findings: G101
Line: 23
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(4)
G = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
D = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3)
for step in range(5):
    fake = G(torch.randn(10, 3))
    on_real, on_fake = D(torch.randn(10, 2)), D(fake)
    d_loss = -(torch.log(on_real) + torch.log(1 - on_fake)).mean()
    g_loss = torch.log(1 - on_fake).mean()
    opt_d.zero_grad()
    d_loss.backward(retain_graph=True)
    opt_d.step()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
