"""Gradients are cleared before the loop and after each step; the scheduler steps between.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(1)
net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
optimizer.zero_grad()
for epoch in range(8):
    x = torch.randn(20, 3)
    loss = nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
    loss.backward()
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
