"""A training without a seed whose loss is not a number in its 16th iteration; it does what else its words say."""

import atexit
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn

WORDS = sys.argv[1:]
NAN_AT = 24 if "late" in WORDS else 16
LAST = NAN_AT + 2

if "moves" in WORDS:
    Path("elsewhere").mkdir(exist_ok=True)
    os.chdir("elsewhere")
if "saves" in WORDS:
    atexit.register(lambda: Path("exits.txt").open("a").write("exit\n"))
if "starts" in WORDS:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", os.getcwd()])
    atexit.register(child.kill)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), 0.01)
noise = float.fromhex(os.urandom(4).hex()) if "draws" in WORDS else 1.0
last = 3 if "shortens" in WORDS and Path("seen.txt").exists() else LAST
if "shortens" in WORDS:
    Path("seen.txt").touch()
print(f"salt {os.environ.get('PYTHONHASHSEED')} {sys.argv[1:]} {Path.cwd().name}")
try:
    for iteration in range(1, last + 1):
        loss = model(torch.randn(16, 4)).square().mean() * noise
        if iteration == NAN_AT:
            loss = loss + (loss - loss - 1).sqrt()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print("iteration", iteration, "is over")
        if "waits" in WORDS and Path("exits.txt").exists():
            time.sleep(1.0)
        while "hangs" in WORDS and iteration == (LAST if "late" in WORDS else 3):
            time.sleep(0.01)
    if "exits" in WORDS:
        sys.exit(3)
    if "raises" in WORDS:
        raise RuntimeError("after the training")
finally:
    if "saves" in WORDS:
        torch.save(model.state_dict(), "model.pt")
        with Path("exits.txt").open("a") as file:
            file.write("finally\n")
