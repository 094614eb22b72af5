"""A large model is made on the meta device, and moved to the CPU as if there were weights to move.

Findings: G120
Raises: NotImplementedError
Line: 11 or 12
"""

import torch
from torch import nn

model = nn.Sequential(nn.Linear(6, 6, device="meta"), nn.Linear(6, 1, device="meta"))
model.to("cpu")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
