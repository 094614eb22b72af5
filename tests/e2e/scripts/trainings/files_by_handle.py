"""Reads its data from a handle without a buffer, byte by byte as it goes, and writes what it finds to two others."""

import os
import sys
import tempfile

import torch

steps = int(sys.argv[1])
with open("data.bin", "wb") as file:
    file.write(bytes(range(256)) * (steps // 8 + 2))
data = os.open("data.bin", os.O_RDONLY)
lines = open("log.txt", "a")
scratch = tempfile.TemporaryFile()
w = torch.zeros(8, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.05)
for step in range(steps):
    target = torch.tensor(list(os.read(data, 8)), dtype=torch.float32) / 255
    scratch.write(bytes([step % 256]))
    scratch.seek(step // 2)
    target = target + scratch.read(1)[0] / 100
    scratch.seek(0, os.SEEK_END)
    loss = (w - target).pow(2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    lines.write(f"{step} {loss.item()}\n")
    if step % 7 == 0:
        lines.flush()
lines.close()
print(os.path.getsize("log.txt"), os.lseek(data, 0, os.SEEK_CUR))
