"""torch.nn.utils.prune before the optimizer is made: weight becomes weight_orig times a mask.

Findings: none
"""

import torch
from torch import nn
from torch.nn.utils import prune

torch.manual_seed(88)
model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
prune.l1_unstructured(model[0], name="weight", amount=0.4)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(6):
    x = torch.randn(10, 6)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
