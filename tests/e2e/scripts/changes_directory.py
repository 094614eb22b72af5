import os
import sys

import torch

a = torch.ones(2, requires_grad=True)
os.chdir(sys.argv[1])
(a * 2).sum().backward()
print(os.getcwd(), a.grad)
