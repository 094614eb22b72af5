"""0 / 0 in a backward meets the dead side of a ReLU, which passes 0: no gradient ever holds the nan.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(103)
encoder = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
with torch.no_grad():
    encoder[0].bias.fill_(-1.0)
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
x = torch.cat([torch.zeros(2, 4), 2 * torch.randn(6, 4)])
for step in range(3):
    z = encoder(x)
    length = torch.sqrt((z * z).sum(dim=1))
    loss = (length - 1).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert all(torch.isfinite(p).all() for p in encoder.parameters())
