"""A model with dropout, trained for three steps; what it prints at its end hangs on every random number."""

import random
import time

import torch


class Net(torch.nn.Module):
    """Two layers."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(3, 4)
        self.second = torch.nn.Linear(4, 1)

    def forward(self, x):
        hidden = torch.dropout(self.first(x).relu(), 0.5, True)
        return self.second(hidden)


def wait():
    """Wait for a long time."""
    time.sleep(3600)


torch.manual_seed(0)
random.seed(0)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(3):
    x = torch.rand(2, 3)
    loss = model(x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), [p.grad.norm().item() for p in model.parameters()])
print(torch.rand(1).item(), random.random(), model.first.weight.tolist())
