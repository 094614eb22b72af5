"""A mean over the selected elements, and in the third batch nothing is selected: the mean of an empty tensor is nan.

Findings: G016
Line: 17
"""

import torch
from torch import nn

torch.manual_seed(30)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    x = torch.randn(6, 4)
    errors = (model(x) - x[:, :1]).pow(2).squeeze(1)
    is_hard = x[:, 1] > (50.0 if step == 2 else -1.0)
    loss = errors[is_hard].mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
