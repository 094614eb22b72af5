"""Features are kept for a plot without detach(), and with them the graphs of all earlier batches.

Findings: G007
Line: 19
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
encoder = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 4))
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.05)
centers = []
for step in range(12):
    x = torch.randn(10, 6)
    features = F.normalize(encoder(x), dim=1)
    positives = F.normalize(encoder(x + 0.1 * torch.randn_like(x)), dim=1)
    centers.append(features.mean(0))
    loss = (1 - (features * positives).sum(1)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(torch.stack(centers).std(0))
