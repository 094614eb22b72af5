"""zero_grad(set_to_none=False) fills the gradients with zeros.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(7)
model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for step in range(8):
    x = torch.randn(8, 4)
    optimizer.zero_grad(set_to_none=False)
    nn.functional.mse_loss(model(x), x[:, 1:2]).backward()
    optimizer.step()
