"""A tanh RNN with small weights over 40 time steps: the gradient of the first input is all but gone.

Findings: none
Hints: G052
"""

import torch
from torch import nn

torch.manual_seed(2)
layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(14))
for layer in layers:
    nn.init.uniform_(layer.weight, -0.05, 0.05)
readout = nn.Linear(4, 1)
optimizer = torch.optim.SGD([*layers.parameters(), *readout.parameters()], lr=0.1)
for step in range(4):
    h = torch.randn(8, 4)
    for layer in layers:
        h = torch.tanh(layer(h))
    loss = (readout(h) - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
