"""evaluate() switches gradients off globally and never on again; the next epoch fails.

Findings: G103
Line: 13 or 24
Raises: RuntimeError
"""

import torch
from torch import nn


def evaluate(model, x, y):
    torch.set_grad_enabled(False)
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


torch.manual_seed(7)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(12, 4), torch.randint(0, 3, (12,))
for epoch in range(3):
    model.train()
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(epoch, evaluate(model, x, y))
