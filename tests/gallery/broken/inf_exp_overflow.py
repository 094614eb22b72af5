"""exp of an unbounded log-variance overflows float32.

Findings: G016
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(4)
encoder = nn.Linear(3, 4)
with torch.no_grad():
    encoder.bias[2:] = 95.0
optimizer = torch.optim.SGD(encoder.parameters(), lr=1e-3)
for step in range(3):
    mean, log_var = encoder(torch.randn(10, 3)).chunk(2, dim=1)
    kl = -0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum(1).mean()
    optimizer.zero_grad()
    kl.backward()
    optimizer.step()
