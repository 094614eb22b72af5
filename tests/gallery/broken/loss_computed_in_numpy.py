"""The distance is computed in NumPy and the result is wrapped in a tensor.

Findings: G103
Line: 14 or 16
Raises: RuntimeError
"""

import numpy as np
import torch
from torch import nn

torch.manual_seed(3)
encoder = nn.Linear(6, 3)
points = encoder(torch.randn(8, 6)).detach().numpy()
distances = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
loss = torch.from_numpy(distances).mean()
loss.backward()
