"""Schedulers of two kinds, clipping, and groups of parameters."""

import sys

import torch
from torch import nn

torch.manual_seed(4)
steps = int(sys.argv[1])
body, head = nn.Linear(5, 8), nn.Linear(8, 1)
optimizer = torch.optim.Adam([{"params": body.parameters()}, {"params": head.parameters(), "lr": 3e-3}], lr=1e-2)
cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[0.05, 0.01], total_steps=steps + 1)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
for step in range(steps):
    x = torch.randn(10, 5)
    loss = nn.functional.smooth_l1_loss(head(torch.tanh(body(x))), x.prod(1, keepdim=True))
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    nn.utils.clip_grad_norm_([*body.parameters(), *head.parameters()], 1.0)
    optimizer.step()
    cycle.step()
    if step % 5 == 4:
        plateau.step(loss.item())
    print(step, loss.item(), optimizer.param_groups[0]["lr"])
