"""model.zero_grad() in place of optimizer.zero_grad().

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(9)
model = nn.Sequential(nn.Linear(3, 6), nn.PReLU(), nn.Linear(6, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for step in range(8):
    x = torch.randn(12, 3)
    loss = nn.functional.huber_loss(model(x), x.sum(1, keepdim=True))
    model.zero_grad()
    loss.backward()
    optimizer.step()
