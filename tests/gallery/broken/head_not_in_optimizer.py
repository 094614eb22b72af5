"""The classifier head never learns: only the backbone was given to the optimizer.

Findings: G001
Line: 12 or 13 or 21
"""

import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(nn.Linear(8, 16), nn.ReLU())
head = nn.Linear(16, 3)
optimizer = torch.optim.Adam(backbone.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))

for epoch in range(6):
    optimizer.zero_grad()
    loss = criterion(head(backbone(x)), y)
    loss.backward()
    optimizer.step()
