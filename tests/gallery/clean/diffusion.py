"""A toy diffusion model learns to predict the noise.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(63)
net = nn.Sequential(nn.Linear(3, 16), nn.SiLU(), nn.Linear(16, 2))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
alpha_bar = torch.cumprod(1 - torch.linspace(1e-3, 0.2, 20), 0)
for step in range(8):
    x0 = torch.randn(16, 2) * 0.3 + 1
    t = torch.randint(0, 20, (16,))
    noise = torch.randn_like(x0)
    a = alpha_bar[t].unsqueeze(1)
    xt = a.sqrt() * x0 + (1 - a).sqrt() * noise
    loss = nn.functional.mse_loss(net(torch.cat([xt, t[:, None] / 20], 1)), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
