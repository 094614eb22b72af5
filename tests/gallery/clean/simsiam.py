"""SimSiam: one branch is behind a stop-gradient, and the encoder learns by the other.

Findings: none
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(65)
encoder, predictor = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)), nn.Linear(4, 4)
optimizer = torch.optim.SGD([*encoder.parameters(), *predictor.parameters()], lr=0.05)
for step in range(6):
    x = torch.randn(10, 6)
    z1, z2 = (encoder(x + 0.1 * torch.randn_like(x)) for _ in range(2))
    p1, p2 = predictor(z1), predictor(z2)
    loss = -(F.cosine_similarity(p1, z2.detach()) + F.cosine_similarity(p2, z1.detach())).mean() / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
