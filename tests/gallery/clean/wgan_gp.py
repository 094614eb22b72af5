"""WGAN-GP: three critic steps with a gradient penalty for each generator step.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(3)
G = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
C = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.9))
opt_c = torch.optim.Adam(C.parameters(), lr=1e-3, betas=(0.0, 0.9))


def gradient_penalty(real, fake):
    alpha = torch.rand(len(real), 1)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (grad,) = torch.autograd.grad(C(mixed).sum(), mixed, create_graph=True)
    return ((grad.norm(2, dim=1) - 1) ** 2).mean()


for step in range(4):
    for _ in range(3):
        real, fake = torch.randn(10, 2), G(torch.randn(10, 2)).detach()
        loss = C(fake).mean() - C(real).mean() + 10 * gradient_penalty(real, fake)
        opt_c.zero_grad()
        loss.backward()
        opt_c.step()
    opt_g.zero_grad()
    (-C(G(torch.randn(10, 2))).mean()).backward()
    opt_g.step()
