"""Softmax is computed for a report; cross entropy gets the logits.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(24)
model = nn.Linear(5, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(8):
    x = torch.randn(12, 5)
    y = x[:, :3].argmax(1)
    logits = model(x)
    confidence = torch.softmax(logits, dim=1).max(1).values.mean()
    loss = nn.functional.cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(loss.item(), confidence.item())
