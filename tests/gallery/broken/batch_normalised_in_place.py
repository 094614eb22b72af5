"""The input of the layer is normalised in place after the layer was applied to it.

Findings: G101
Line: 17 or 18
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(8)
first, second = nn.Linear(4, 4), nn.Linear(4, 1)
optimizer = torch.optim.RMSprop([*first.parameters(), *second.parameters()])
for epoch in range(2):
    features = first(torch.randn(12, 4))
    prediction = second(features)
    features -= features.mean(0)
    features /= features.std(0)
    loss = prediction.pow(2).mean() + features.abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
