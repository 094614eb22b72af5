import atexit
import sys

import torch

atexit.register(print, "good", "bye")
a = torch.ones(2, requires_grad=True)
(a * 2).sum().backward()
sys.exit("that is all")
