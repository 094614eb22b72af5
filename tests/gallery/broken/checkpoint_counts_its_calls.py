"""A block in a checkpoint warms up by its own call counter, which the second pass counts on.

Findings: G115
Raises: CheckpointError
Line: 23
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(6, 6)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        h = self.net(x)
        if self.calls < 6:
            h = torch.tanh(h) * h
        return torch.relu(h) + x


torch.manual_seed(3)
model = nn.ModuleList([nn.Linear(4, 6), Block(), nn.Linear(6, 1)])
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for i in range(10):
    x = torch.randn(8, 4)
    h = checkpoint(model[1], model[0](x), use_reentrant=False)
    loss = nn.functional.mse_loss(model[2](h), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
