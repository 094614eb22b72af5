"""The head is trained first; from iteration 25 on a second optimizer steps the backbone, which gets gradients before.

Findings: none
Ends: 20
"""

import torch
from torch import nn

torch.manual_seed(43)
model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
optimizers = [torch.optim.Adam(model[2].parameters(), lr=1e-2)]
for step in range(40):
    if step == 25:
        optimizers.append(torch.optim.Adam(model[0].parameters(), lr=1e-3))
    x = torch.randn(8, 4)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    model.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
