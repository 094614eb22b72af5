"""A checkpoint is loaded into model and optimizer in the middle: the same parameters get other values.

Findings: none
"""

import copy

import torch
from torch import nn

torch.manual_seed(7)
model = nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
best = None
for step in range(10):
    x = torch.randn(10, 4)
    loss = nn.functional.mse_loss(model(x), x[:, :2])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step == 3:
        best = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    if step == 6:
        model.load_state_dict(best[0])
        optimizer.load_state_dict(best[1])
