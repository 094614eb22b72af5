"""PGD adversarial training: inner gradients with respect to the input by autograd.grad.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(74)
model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    x = torch.randn(12, 5)
    y = (x[:, 0] > 0).long()
    delta = torch.zeros_like(x, requires_grad=True)
    for _ in range(2):
        inner = nn.functional.cross_entropy(model(x + delta), y)
        (g,) = torch.autograd.grad(inner, delta)
        delta = (delta + 0.05 * g.sign()).clamp(-0.1, 0.1).detach().requires_grad_()
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x + delta.detach()), y).backward()
    optimizer.step()
