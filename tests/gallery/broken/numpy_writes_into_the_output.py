"""Post-processing in NumPy shares the tensor's memory, and changes what exp saved for its backward.

Findings: G013
Line: 14 or 16
"""

import torch
from torch import nn

torch.manual_seed(2)
model = nn.Linear(4, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(6):
    rates = torch.exp(model(torch.randn(10, 4)))
    shown = rates.detach().numpy()
    shown *= 100 / shown.sum(axis=1, keepdims=True)
    loss = (rates - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
