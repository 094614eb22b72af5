"""LSGAN compares scores with the number 1 and with a scalar tensor 0.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(33)
D = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
optimizer = torch.optim.Adam(D.parameters(), lr=1e-3)
zero = torch.tensor(0.0)
for step in range(6):
    real, fake = torch.randn(10, 2), torch.randn(10, 2) - 1
    loss = ((D(real) - 1) ** 2).mean() + ((D(fake) - zero) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
