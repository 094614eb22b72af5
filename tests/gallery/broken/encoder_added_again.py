"""The encoder's parameters come first, and then again with those of the whole model.

Findings: G012
Line: 18 or 28
"""

import warnings

import torch
from torch import nn


def build():
    encoder, decoder = nn.Linear(9, 3), nn.Linear(3, 9)
    model = nn.Sequential(encoder, nn.Sigmoid(), decoder)
    params = list(encoder.parameters())
    params += model.parameters()
    return model, torch.optim.RMSprop(params, lr=1e-3)


warnings.filterwarnings("ignore")
torch.manual_seed(2)
model, optimizer = build()
x = torch.rand(25, 9)
for epoch in range(7):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), x).backward()
    optimizer.step()
