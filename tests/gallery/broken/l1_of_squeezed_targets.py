"""The targets were squeezed, the predictions were not.

Findings: G010
Line: 23
"""

import warnings

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.simplefilter("ignore")
torch.manual_seed(3)
loader = DataLoader(TensorDataset(torch.randn(36, 5), torch.randn(36, 1)), batch_size=12)
net = nn.Linear(5, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=1e-2)
for epoch in range(3):
    for data, target in loader:
        target = target.squeeze()
        optimizer.zero_grad()
        output = net(data)
        loss = (output - target).abs().mean()
        loss.backward()
        optimizer.step()
