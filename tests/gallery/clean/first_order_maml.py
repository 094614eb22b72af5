"""First-order MAML (Reptile): a copy is trained on each task, and the model moves towards it without a backward.

Findings: none
"""

import copy

import torch
from torch import nn

torch.manual_seed(25)
model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
for task in range(4):
    learner = copy.deepcopy(model)
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.05)
    phase = torch.rand(1)
    for _ in range(3):
        x = torch.rand(10, 1)
        loss = nn.functional.mse_loss(learner(x), torch.sin(x + phase))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for p, q in zip(model.parameters(), learner.parameters()):
            p += 0.3 * (q - p)
