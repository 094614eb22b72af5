"""Gradients of four batches added up before each step, and an average of the weights kept beside them."""

import copy
import sys

import torch
from torch import nn

torch.manual_seed(9)
model = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 1))
average = copy.deepcopy(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, weight_decay=1e-3)
for step in range(int(sys.argv[1])):
    optimizer.zero_grad()
    for _ in range(4):
        x = torch.rand(6, 1, 8)
        loss = nn.functional.l1_loss(model(x), x.amax(2)) / 4
        loss.backward()
    optimizer.step()
    with torch.no_grad():
        for mean, new in zip(average.parameters(), model.parameters()):
            mean.lerp_(new, 0.1)
    print(step, loss.item(), sum(p.sum().item() for p in average.parameters()))
