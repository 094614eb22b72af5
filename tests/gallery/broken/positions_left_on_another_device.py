"""The model is made on one device, and forward makes its positions without saying where.

Findings: G119
Raises: RuntimeError
Line: 21
"""

import torch
from torch import nn

device = torch.device("meta")


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(6, 6, device=device)

    def forward(self, x):
        positions = torch.arange(6.0).expand(x.shape[0], 6)
        h = self.net(x) + positions
        return h.mean()


model = Model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    x = torch.randn(4, 6, device=device)
    loss = model(x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
