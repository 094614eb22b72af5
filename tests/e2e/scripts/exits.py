import sys

import torch

a = torch.ones(2, requires_grad=True)
print((a * 2).sum().item())
sys.exit(3)
