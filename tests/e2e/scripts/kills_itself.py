import os
import signal
import time

import torch

a = torch.ones(2, requires_grad=True)
print((a * 2).sum().item(), flush=True)
time.sleep(0.5)
os.kill(os.getpid(), signal.SIGKILL)
