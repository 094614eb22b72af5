"""The optimizer is a template: each client steps one of its class on a copy; the gradients of the first are measured.

Findings: none
"""

import copy

import torch
from torch import nn

torch.manual_seed(8)
model = nn.Linear(4, 2)
template = torch.optim.SGD(model.parameters(), lr=0.05)
for client in range(4):
    local = copy.deepcopy(model)
    optimizer = type(template)(local.parameters(), **template.defaults)
    for _ in range(3):
        optimizer.zero_grad()
        local(torch.randn(6, 4)).square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        for mine, theirs in zip(model.parameters(), local.parameters()):
            mine.lerp_(theirs, 0.25)
    print(client, sum(p.sum().item() for p in model.parameters()))
