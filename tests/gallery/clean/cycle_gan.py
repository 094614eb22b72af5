"""CycleGAN: one optimizer for two generators, one for two discriminators, frozen in turn, and an image buffer.

Findings: none
"""

import itertools

import torch
from torch import nn

torch.manual_seed(92)
G_ab, G_ba, D_a, D_b = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 1), nn.Linear(3, 1)
opt_g = torch.optim.Adam(itertools.chain(G_ab.parameters(), G_ba.parameters()), lr=1e-3)
opt_d = torch.optim.Adam(itertools.chain(D_a.parameters(), D_b.parameters()), lr=1e-3)
buffer = []
for step in range(5):
    a, b = torch.randn(6, 3), torch.randn(6, 3) + 2
    for p in itertools.chain(D_a.parameters(), D_b.parameters()):
        p.requires_grad_(False)
    opt_g.zero_grad()
    fake_b, fake_a = G_ab(a), G_ba(b)
    cycle = (G_ba(fake_b) - a).abs().mean() + (G_ab(fake_a) - b).abs().mean()
    loss_g = (D_b(fake_b) - 1).pow(2).mean() + (D_a(fake_a) - 1).pow(2).mean() + 10 * cycle
    loss_g.backward()
    opt_g.step()
    for p in itertools.chain(D_a.parameters(), D_b.parameters()):
        p.requires_grad_(True)
    buffer.append(fake_a.detach())
    opt_d.zero_grad()
    for net, real, fake in ((D_a, a, buffer[step // 2]), (D_b, b, fake_b.detach())):
        ((net(real) - 1).pow(2).mean() + net(fake).pow(2).mean()).backward()
    opt_d.step()
