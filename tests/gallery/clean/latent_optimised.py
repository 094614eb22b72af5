"""GLO / auto-decoder: latent codes and the network are trained together, in two groups.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(77)
codes = nn.Embedding(6, 3)
decoder = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
groups = [{"params": codes.parameters(), "lr": 1e-2}, {"params": decoder.parameters(), "lr": 1e-3}]
optimizer = torch.optim.Adam(groups)
for step in range(8):
    shape, t = torch.randint(0, 6, (20,)), torch.rand(20, 1)
    out = decoder(torch.cat([codes(shape), t], 1))
    loss = (out - t * shape[:, None]).abs().mean() + 1e-3 * codes.weight.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
