"""A view of the hidden state is zeroed, and the hidden state itself was saved by a product.

Findings: G101
Line: 17
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(3)
inp = nn.Linear(4, 6)
gain = nn.Parameter(torch.ones(6))
hidden = inp(torch.randn(7, 4))
scaled = hidden * gain
last = hidden[-1]
last.zero_()
loss = scaled.sum() + last.sum()
loss.backward()
