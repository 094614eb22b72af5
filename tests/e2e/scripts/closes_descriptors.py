"""Closes what is open, as a daemon does, writes files of its own in their place, and goes on."""

import os
import sys
import tempfile

import torch

w = torch.ones(3, requires_grad=True)
(w * 2).sum().backward()
os.closerange(3, int(sys.argv[1]))
with tempfile.TemporaryDirectory() as folder:
    files = [open(f"{folder}/{i}", "w+") for i in range(700)]
    for file in files:
        file.write("mine")
        file.flush()
    for _ in range(3):
        (w * 2).sum().backward()
    for file in files:
        file.seek(0)
    harmed = [file.name for file in files if file.read() != "mine"]
print(files[0].fileno(), w.grad.tolist(), harmed)
sys.exit(5)
