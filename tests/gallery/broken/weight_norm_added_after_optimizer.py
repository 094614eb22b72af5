"""weight_norm was added to a layer after the optimizer was made: weight is computed from new parameters now.

Findings: G003
May: G001 G002
Line: 16 or 17 or 22
"""

import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")
torch.manual_seed(11)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
nn.utils.weight_norm(model[0])
for step in range(8):
    x = torch.randn(12, 4)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
    optimizer.step()
