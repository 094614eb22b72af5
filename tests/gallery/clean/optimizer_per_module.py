"""Encoder and decoder have optimizers of their own, which step together.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(14)
modules = {"encoder": nn.Linear(8, 3), "decoder": nn.Linear(3, 8)}
optimizers = {name: torch.optim.Adam(module.parameters(), lr=1e-2) for name, module in modules.items()}
for step in range(8):
    x = torch.randn(12, 8)
    loss = nn.functional.mse_loss(modules["decoder"](torch.tanh(modules["encoder"](x))), x)
    for optimizer in optimizers.values():
        optimizer.zero_grad()
    loss.backward()
    for optimizer in optimizers.values():
        optimizer.step()
