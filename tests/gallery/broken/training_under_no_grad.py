"""The whole forward runs under no_grad: the line was copied from the evaluation.

Findings: G103
Line: 15 or 16
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(6)
model = nn.GRU(3, 5, batch_first=True)
optimizer = torch.optim.Adam(model.parameters())
x = torch.randn(2, 6, 3)
with torch.no_grad():
    outputs, hidden = model(x)
loss = outputs.square().mean()
optimizer.zero_grad()
loss.backward()
optimizer.step()
