import sys

import torch

from .part import loss

a = torch.ones(2, requires_grad=True)
loss(a).backward()
print(__name__, __package__, __spec__.name, sys.argv[1:], sys.argv[0] == __file__, sys.path[0], a.grad)
