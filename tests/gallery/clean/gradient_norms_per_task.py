"""Per-task gradients by autograd.grad with retain_graph, then one backward of the weighted sum.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(35)
shared, heads = nn.Linear(5, 6), nn.ModuleList([nn.Linear(6, 1), nn.Linear(6, 1)])
optimizer = torch.optim.Adam([*shared.parameters(), *heads.parameters()], lr=1e-2)
for step in range(6):
    z = torch.tanh(shared(torch.randn(12, 5)))
    losses = [(head(z) - i).pow(2).mean() for i, head in enumerate(heads)]
    norms = [torch.autograd.grad(one, shared.weight, retain_graph=True)[0].norm() for one in losses]
    total = sum(one / norm for one, norm in zip(losses, norms))
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
