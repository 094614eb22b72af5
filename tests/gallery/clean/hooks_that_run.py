"""A tensor hook and module hooks that look at gradients, and all are called.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(36)
model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
seen = []
model[0].register_full_backward_hook(lambda module, grad_in, grad_out: seen.append(grad_out[0].norm().item()))
model[2].weight.register_hook(lambda grad: seen.append(grad.abs().max().item()))
for step in range(5):
    hidden = model[1](model[0](torch.randn(8, 4)))
    hidden.register_hook(lambda grad: seen.append(grad.mean().item()))
    loss = model[2](hidden).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert len(seen) == 15
