"""Fine-tuning in two stages, with an optimizer of its own for each.

Findings: none
"""

import torch
from torch import nn


def fit(model, parameters, lr, epochs):
    optimizer = torch.optim.Adam(parameters, lr=lr)
    for _ in range(epochs):
        x = torch.randn(14, 4)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), x[:, :1]).backward()
        optimizer.step()


torch.manual_seed(4)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
model[0].requires_grad_(False)
fit(model, model[2].parameters(), 1e-2, 5)
model[0].requires_grad_(True)
fit(model, model.parameters(), 1e-3, 5)
