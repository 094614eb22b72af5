"""Layer-local training: each layer has an optimizer and gets its input detached.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(94)
layers = [nn.Linear(5, 8), nn.Linear(8, 8), nn.Linear(8, 4)]
optimizers = [torch.optim.Adam(layer.parameters(), lr=1e-2) for layer in layers]
for step in range(5):
    positive, negative = torch.randn(10, 5) + 1, torch.randn(10, 5) - 1
    for layer, optimizer in zip(layers, optimizers):
        p, n = torch.relu(layer(positive)), torch.relu(layer(negative))
        loss = nn.functional.softplus(torch.cat([1 - p.pow(2).mean(1), n.pow(2).mean(1) - 1])).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        positive, negative = p.detach(), n.detach()
