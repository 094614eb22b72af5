"""A dry run on the meta device prints its loss.

Findings: G120
Raises: RuntimeError
Line: 14 or 15
"""

import torch
from torch import nn

with torch.device("meta"):
    model = nn.Linear(4, 1)
    x = torch.randn(3, 4)
    loss = model(x).pow(2).mean()
    print(loss.item())
