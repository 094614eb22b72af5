"""A learning rate finder: the rate grows each step, and then model and optimizer are put back.

Findings: none
"""

import copy

import torch
from torch import nn

torch.manual_seed(107)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
saved = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
for step in range(8):
    x = torch.randn(16, 4)
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    loss.backward()
    optimizer.step()
    for group in optimizer.param_groups:
        group["lr"] *= 1.8
model.load_state_dict(saved[0])
optimizer.load_state_dict(saved[1])
for step in range(4):
    x = torch.randn(16, 4)
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), x[:, :1]).backward()
    optimizer.step()
