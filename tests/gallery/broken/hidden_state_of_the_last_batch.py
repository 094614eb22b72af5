"""The LSTM's hidden state is carried to the next batch with its graph, which the last backward has freed.

Findings: G102
Line: 17 or 20
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(0)
lstm, out = nn.LSTM(3, 6), nn.Linear(6, 1)
optimizer = torch.optim.Adam([*lstm.parameters(), *out.parameters()], lr=1e-2)
state = None
for step in range(4):
    x = torch.randn(5, 2, 3)
    y, state = lstm(x, state)
    loss = out(y).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
