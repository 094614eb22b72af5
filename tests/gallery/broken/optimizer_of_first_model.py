"""The notebook made two models; the second is trained with the optimizer of the first, and the loss stands still.

Findings: G002
May: G001
Line: 19 or 27
"""

import torch
from torch import nn

torch.manual_seed(0)


def make_model():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


small = make_model()
optimizer = torch.optim.Adam(small.parameters(), lr=0.01)
model = make_model()
x, y = torch.randn(64, 4), torch.randn(64, 1)
for step in range(10):
    prediction = model(x)
    loss = ((prediction - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
