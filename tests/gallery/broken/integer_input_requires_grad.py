"""Saliency of token ids: requires_grad_() on an integer tensor.

Findings: G105
Line: 14
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(nn.EmbeddingBag(20, 6), nn.Linear(6, 2))
ids = torch.randint(0, 20, (3, 5))
ids.requires_grad_()
model(ids)[:, 0].sum().backward()
