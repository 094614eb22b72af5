import ctypes
import resource

import torch

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
a = torch.ones(2, requires_grad=True)
print((a * 2).sum().item(), flush=True)
ctypes.string_at(0)
