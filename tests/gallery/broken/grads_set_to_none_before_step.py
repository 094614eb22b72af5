"""Gradients are reset by hand with p.grad = None, one line too early.

Findings: G005
Line: 20 or 21
"""

import torch
from torch import nn

torch.manual_seed(3)
rnn, out = nn.GRU(4, 6, batch_first=True), nn.Linear(6, 1)
params = [*rnn.parameters(), *out.parameters()]
optimizer = torch.optim.Adam(params, lr=1e-2)
for step in range(6):
    seq = torch.randn(8, 5, 4)
    hidden, _ = rnn(seq)
    loss = nn.functional.mse_loss(out(hidden[:, -1]), seq[:, :, 0].sum(1, keepdim=True))
    loss.backward()
    for p in params:
        p.grad = None
    optimizer.step()
