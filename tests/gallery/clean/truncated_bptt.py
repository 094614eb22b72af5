"""Truncated backpropagation through time: the hidden state is detached between chunks.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(22)
lstm, out = nn.LSTM(2, 6, batch_first=True), nn.Linear(6, 1)
optimizer = torch.optim.Adam([*lstm.parameters(), *out.parameters()], lr=1e-2)
sequence = torch.randn(3, 24, 2)
state = None
for chunk in sequence.split(6, dim=1):
    if state is not None:
        state = tuple(s.detach() for s in state)
    hidden, state = lstm(chunk, state)
    loss = nn.functional.mse_loss(out(hidden), chunk[..., :1])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(lstm.parameters(), 1.0)
    optimizer.step()
