"""One row of a leaf that requires grad is set by indexing.

Findings: G106
Line: 12
Raises: RuntimeError
"""

import torch

torch.manual_seed(2)
table = torch.randn(5, 3, requires_grad=True)
table[0] = torch.zeros(3)
loss = table.sum()
loss.backward()
