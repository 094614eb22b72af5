"""Multi-label classification with BCEWithLogitsLoss and a weight for positives, which is broadcast.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(28)
model = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 5))
criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 1.0, 3.0, 1.0]))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(6):
    x = torch.randn(10, 8)
    y = (torch.rand(10, 5) > 0.7).float()
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
