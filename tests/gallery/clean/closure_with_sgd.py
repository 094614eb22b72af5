"""SGD and Adam take a closure too.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(15)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
x, y = torch.randn(20, 4), torch.randn(20, 1)
for _ in range(8):

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)
