"""log_softmax before cross_entropy: one too many, and it changes nothing, since log_softmax of log_softmax is the same.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(5)
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4), nn.LogSoftmax(dim=1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for batch in range(6):
    data, target = torch.randn(8, 6), torch.randint(0, 4, (8,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(data), target)
    loss.backward()
    optimizer.step()
