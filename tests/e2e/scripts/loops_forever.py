"""Never ends: it computes all the time, or with any word it sleeps."""

import sys
import time

import torch

a = torch.ones(2, requires_grad=True)
b = a * 2
print("looping", flush=True)
while True:
    if len(sys.argv) > 1:
        time.sleep(0.01)
