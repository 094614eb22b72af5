"""Trains from whatever the random state gives, and prints each loss to the last digit."""

import random

import torch

model = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
for _ in range(4):
    x = torch.randn(5, 2) * random.random()
    optimizer.zero_grad()
    loss = (model(x) - 1).pow(2).mean()
    loss.backward()
    optimizer.step()
    print(loss.item().hex())
