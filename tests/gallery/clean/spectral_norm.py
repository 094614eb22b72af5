"""Spectral and weight normalisation by parametrisations.

Findings: none
"""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

torch.manual_seed(79)
model = nn.Sequential(spectral_norm(nn.Linear(4, 8)), nn.ReLU(), weight_norm(nn.Linear(8, 1)))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(6):
    x = torch.randn(10, 4)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
