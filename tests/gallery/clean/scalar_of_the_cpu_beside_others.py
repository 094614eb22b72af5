"""A number of the CPU scales a loss that is computed elsewhere: torch allows tensors of no dimension.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(8)
with torch.device("meta"):
    trial = (torch.zeros(3, 2) * torch.ones(3, 2)).sum(0)
factor = torch.tensor(0.5)
scaled = trial * factor
model = nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(4):
    x = torch.randn(5, 2)
    loss = factor * nn.functional.mse_loss(model(x), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
