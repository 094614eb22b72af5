"""A parameter is made from a list of ints.

Findings: G105
Line: 10
Raises: RuntimeError
"""

import torch

x = torch.tensor([1, 2, 3], requires_grad=True)
(x * 2).sum().backward()
