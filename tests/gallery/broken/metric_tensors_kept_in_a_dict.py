"""A history of tensors in a dict: each one keeps the graph of its iteration.

Findings: G007
Line: 15 or 16 or 20 or 21
"""

import torch
from torch import nn


def train(model, optimizer, steps):
    history = {"loss": [], "regularizer": []}
    for step in range(steps):
        x = torch.randn(16, 6)
        loss = nn.functional.mse_loss(model(x), x[:, :1])
        regularizer = sum(p.pow(2).sum() for p in model.parameters())
        optimizer.zero_grad()
        (loss + 1e-3 * regularizer).backward()
        optimizer.step()
        history["loss"].append(loss)
        history["regularizer"].append(regularizer)
    return history


torch.manual_seed(4)
net = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 1))
history = train(net, torch.optim.SGD(net.parameters(), lr=0.05), steps=12)
print(torch.stack(history["loss"]).mean())
