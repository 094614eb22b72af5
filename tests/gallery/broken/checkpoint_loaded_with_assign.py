"""The checkpoint was loaded with assign=True after the optimizer was made, which puts other tensors into the model.

Findings: G003
May: G001 G002
Line: 19 or 20 or 27
"""

import io

import torch
from torch import nn

torch.manual_seed(10)
file = io.BytesIO()
torch.save(nn.Linear(5, 1).state_dict(), file)
file.seek(0)

model = nn.Linear(5, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model.load_state_dict(torch.load(file), assign=True)
x = torch.randn(16, 5)
y = x @ torch.ones(5, 1)
for _ in range(8):
    loss = (model(x) - y).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
