"""autograd.grad is asked for all parameters, and the forward uses only some of them.

Findings: G108
Line: 15
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.ModuleDict({"used": nn.Linear(3, 1), "spare": nn.Linear(3, 1)})
x = torch.randn(8, 3)
loss = model["used"](x).pow(2).mean()
gradients = torch.autograd.grad(loss, list(model.parameters()))
