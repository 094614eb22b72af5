"""A DataLoader in the script's own process, shuffled anew each epoch, one with a generator of its own."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
x = torch.randn(40, 4)
data = TensorDataset(x, x[:, :1] * 2)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loaders = [
    DataLoader(data, batch_size=8, shuffle=True),
    DataLoader(data, batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(3)),
]
left = int(sys.argv[1])
while left > 0:
    for loader in loaders:
        for inputs, targets in loader:
            if left <= 0:
                break
            loss = (model(inputs) - targets).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            left -= 1
            print(left, loss.item())
