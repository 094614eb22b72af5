"""Only the new head is trained; the backbone's parameters do not require grad.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
for p in backbone.parameters():
    p.requires_grad = False
head = nn.Linear(4 * 16, 3)
model = nn.Sequential(backbone, head)
optimizer = torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9)
for step in range(6):
    x, y = torch.randn(8, 1, 6, 6), torch.randint(0, 3, (8,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
