"""Three folds, each with a new model and a new optimizer; the old ones stay around.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(96)
x = torch.randn(30, 4)
y = x @ torch.ones(4, 1)
models, optimizers = [], []
for fold in range(3):
    inside = torch.arange(30) % 3 != fold
    model = nn.Linear(4, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    models.append(model)
    optimizers.append(optimizer)
    for epoch in range(4):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[inside]), y[inside]).backward()
        optimizer.step()
