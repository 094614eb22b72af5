"""Gradient clipping without a scaler.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(16)
rnn, out = nn.RNN(3, 8), nn.Linear(8, 1)
params = [*rnn.parameters(), *out.parameters()]
optimizer = torch.optim.SGD(params, lr=0.1)
for step in range(6):
    x = torch.randn(7, 4, 3)
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(out(rnn(x)[0][-1]), x.sum((0, 2)).unsqueeze(1))
    loss.backward()
    norm = nn.utils.clip_grad_norm_(params, max_norm=0.5)
    optimizer.step()
    print(f"{loss.item():.3f} {norm:.3f}")
