"""Clipping was added together with a zero_grad that belongs elsewhere.

Findings: G005
Line: 18 or 19
"""

import torch
from torch import nn

torch.manual_seed(4)
model = nn.LSTM(2, 5, batch_first=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for step in range(6):
    x = torch.randn(4, 6, 2)
    loss = model(x)[0].pow(2).mean()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.zero_grad(set_to_none=False)
    optimizer.step()
