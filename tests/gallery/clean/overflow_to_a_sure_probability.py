"""exp overflows to inf inside a hand-written sigmoid, and 1 / (1 + inf) is exactly 0, as it should be.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(104)
logits = torch.tensor([-100.0, 2.0, 0.5])
print(1 / (1 + torch.exp(-logits)))
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    loss = nn.functional.softplus(-model(torch.randn(6, 3))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
