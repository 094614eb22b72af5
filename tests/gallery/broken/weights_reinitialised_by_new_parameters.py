"""init_weights() makes new Parameters in the middle of the training; the optimizer goes on with the old ones.

Findings: G003
May: G001 G002
Line: 20 or 21 or 29 or 33 or 37
"""

import torch
from torch import nn


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 12)
        self.b = nn.Linear(12, 1)

    def init_weights(self):
        for layer in (self.a, self.b):
            layer.weight = nn.Parameter(torch.randn_like(layer.weight) * 0.1)
            layer.bias = nn.Parameter(torch.zeros_like(layer.bias))

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


torch.manual_seed(8)
model = Regressor()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x, y = torch.randn(32, 4), torch.randn(32, 1)
for step in range(12):
    if step == 4:
        model.init_weights()
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
