"""A curriculum: the second head is used from the tenth iteration on.

Findings: none
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.easy, self.hard = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 4)

    def forward(self, x, is_hard):
        h = torch.tanh(self.body(x))
        return self.easy(h), self.hard(h) if is_hard else None


torch.manual_seed(69)
model = Model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(14):
    x = torch.randn(12, 4)
    easy, hard = model(x, step >= 10)
    loss = nn.functional.mse_loss(easy, x[:, :1])
    if hard is not None:
        loss = loss + nn.functional.mse_loss(hard, x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
