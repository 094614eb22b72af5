"""Makes an optimizer without parameters, which torch refuses, and one whose parameters never get a gradient."""

import torch

try:
    torch.optim.SGD([], lr=0.1)
except ValueError as error:
    print(error)

optimizer = torch.optim.Adam([torch.zeros(3, requires_grad=True)])
for _ in range(3):
    optimizer.zero_grad()
    optimizer.step()
print(optimizer.param_groups[0]["params"][0].tolist())
