"""Trains an MLP with dropout and prints a hash of each loss, each gradient, each final weight and the random states."""

import hashlib
import random

import numpy
import torch
import torch.nn.functional as F
from torch import nn


def digest(value):
    return hashlib.sha256(value.detach().contiguous().numpy().tobytes()).hexdigest()


torch.manual_seed(7)
random.seed(7)
numpy.random.seed(7)
model = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Dropout(0.3), nn.BatchNorm1d(50), nn.Linear(50, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5)
for iteration in range(12):
    x, y = torch.randn(16, 20), torch.randint(0, 4, (16,))
    if iteration % 2 == 0:
        optimizer.zero_grad(set_to_none=iteration % 4 == 0)
    loss = F.cross_entropy(model(x * random.random()), y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    print("loss", digest(loss))
    print(*(digest(parameter.grad) for parameter in model.parameters()))
for name, value in model.state_dict().items():
    print(name, digest(value), value._version)
for state in optimizer.state_dict()["state"].values():
    print(*(digest(value) for value in state.values()))
print(digest(torch.get_rng_state()), random.random(), digest(torch.rand(4)), numpy.random.rand())
