"""Chance from everywhere: random, numpy's old and new, torch's own generators, and the order of a set of words."""

import random
import sys

import numpy as np
import torch

random.seed(10)
np.random.seed(11)
torch.manual_seed(12)
new, own = np.random.default_rng(13), torch.Generator().manual_seed(14)
w = torch.zeros(4, requires_grad=True)
optimizer = torch.optim.Adagrad([w], lr=0.3)
words = {f"word {random.random()}" for _ in range(20)}
for step in range(int(sys.argv[1])):
    scale = random.gauss(1, 0.1) + np.random.rand() + new.normal() + torch.rand(1, generator=own).item()
    words = {*random.sample(sorted(words), 15), *(f"word {random.random()}" for _ in range(5))}
    first = len(next(iter(words)))
    loss = (w - torch.randn(4) * scale - first).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
