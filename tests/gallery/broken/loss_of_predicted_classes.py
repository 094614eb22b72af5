"""The loss is computed from argmax, which has no derivative.

Findings: G103
Line: 17
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(4)
model = nn.Sequential(nn.Linear(7, 10), nn.ReLU(), nn.Linear(10, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
x, labels = torch.randn(20, 7), torch.randint(0, 3, (20,))
for epoch in range(2):
    logits = model(x)
    predicted = torch.softmax(logits, dim=1).argmax(dim=1).float()
    loss = nn.functional.l1_loss(predicted, labels.float())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
