"""A training of 60 iterations that does what else its words say."""

import os
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

WORDS = sys.argv[1:]
if "unseeded" not in WORDS:
    torch.manual_seed(3)
w = torch.ones(3, requires_grad=True)
if "hand" not in WORDS:
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Dropout(0.2), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
noise = float.fromhex(os.urandom(4).hex()) if "draws" in WORDS else 1.0
noise = time.time() % 1.0 if "clock" in WORDS else noise
is_second = "second" in WORDS and Path("seen.txt").exists()
Path("seen.txt").touch() if "second" in WORDS else None
print("begins")
for iteration in range(1, 61):
    x = torch.randn(5, 3)
    if "hand" in WORDS:
        loss = (x @ w).square().mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.01 * w.grad
            w.grad.zero_()
        continue
    if "none" in WORDS:
        (x * w).sum()
        continue
    optimizer.zero_grad()
    loss = model(x).square().mean() * noise
    loss.backward()
    optimizer.step()
    if "writes" in WORDS:
        with Path("log.txt").open("a") as log:
            log.write(f"{iteration}\n")
    if "saves" in WORDS and iteration == 50:
        Path("saved.txt").touch()
    if is_second and iteration == 20:
        if "dies" in WORDS:
            os.kill(os.getpid(), signal.SIGKILL)
        Path("at20.txt").touch()
        time.sleep(600)
print("is over")
