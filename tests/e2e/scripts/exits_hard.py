import os

import torch

a = torch.ones(2, requires_grad=True)
print((a * 2).sum().item(), flush=True)
os._exit(3)
