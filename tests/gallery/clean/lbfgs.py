"""LBFGS calls its closure several times a step.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(13)
model = nn.Linear(3, 1)
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
x = torch.randn(30, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3


def closure():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    return loss


for step in range(4):
    optimizer.step(closure)
