"""Layers in a plain list are in no optimizer: seen in the first 20 of 40 iterations, though the optimizer is chosen.

Findings: G001
Line: 27
Ends: 20
"""

import torch
from torch import nn


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(5, 5) for _ in range(2)]
        self.head = nn.Linear(5, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.head(x)


torch.manual_seed(44)
model, chosen = Stack(), "adam"
if chosen == "adam":
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
else:
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for step in range(40):
    x = torch.randn(8, 5)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
