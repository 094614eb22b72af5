"""Trains for so many steps, or until it is ended, and writes the number of each to a file that it has open."""

import sys
import time

import torch

w = torch.ones(3, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1e-4)
with open(sys.argv[1], "w", buffering=1) as file:
    for step in range(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000):
        loss = (w * torch.rand(3)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        file.write(f"{step}\n")
        if step % 20 == 0:
            print("step", step)
            time.sleep(0.002)
