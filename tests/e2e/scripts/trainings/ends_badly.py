"""Has functions for its exit and a finally, and ends with an error and a line of its own."""

import atexit
import os
import sys

import torch

torch.manual_seed(22)
atexit.register(lambda: open("left.txt", "a").write("atexit\n"))
w = torch.zeros(5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
try:
    for step in range(int(sys.argv[1])):
        loss = (w - torch.randn(5)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())
    os.wait()
finally:
    with open("left.txt", "a") as file:
        file.write("finally\n")
