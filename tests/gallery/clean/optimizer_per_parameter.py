"""One optimizer for each parameter, stepped and cleared in hooks after accumulation.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(13)
model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1))
optimizers = {p: torch.optim.SGD([p], lr=0.05) for p in model.parameters()}


def step_and_clear(p):
    optimizers[p].step()
    optimizers[p].zero_grad()


for p in model.parameters():
    p.register_post_accumulate_grad_hook(step_and_clear)
for step in range(8):
    x = torch.randn(10, 4)
    nn.functional.mse_loss(model(x), x[:, :1]).backward()
