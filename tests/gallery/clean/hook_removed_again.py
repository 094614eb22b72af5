"""A hook is registered for one iteration and removed by its handle.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(39)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
norms = []
handle = model.weight.register_hook(lambda grad: norms.append(grad.norm()))
for step in range(6):
    loss = model(torch.randn(6, 3)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step == 2:
        handle.remove()
assert len(norms) == 3
