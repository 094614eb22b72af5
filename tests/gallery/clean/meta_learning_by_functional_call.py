"""Meta-learning with torch.func: functional_call and grad, and an outer optimizer.

Findings: none
"""

import torch
from torch import nn
from torch.func import functional_call, grad

torch.manual_seed(26)
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)


def loss_fn(params, x, y):
    return nn.functional.mse_loss(functional_call(model, params, (x,)), y)


for step in range(5):
    params = dict(model.named_parameters())
    x, y = torch.randn(8, 2), torch.randn(8, 1)
    inner = grad(loss_fn)(params, x, y)
    adapted = {name: p - 0.1 * inner[name] for name, p in params.items()}
    optimizer.zero_grad()
    loss_fn(adapted, torch.randn(8, 2), torch.randn(8, 1)).backward()
    optimizer.step()
