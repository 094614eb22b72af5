"""Gradients are cleared at the start of each epoch, but the optimizer steps after every batch.

Findings: G004
Line: 14 or 18 or 19
"""

import torch
from torch import nn


def train(model, batches, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    for epoch in range(epochs):
        optimizer.zero_grad()
        running = 0.0
        for x, y in batches:
            loss = nn.functional.l1_loss(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(epoch, running / len(batches))


torch.manual_seed(3)
batches = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(5)]
train(nn.Sequential(nn.Linear(4, 4), nn.ELU(), nn.Linear(4, 1)), batches, epochs=4)
