"""A training that looks at what a process forked from it could have done to it, and says how it ends.

Its words: ``waits`` for a file named ``go`` at iteration 25, ``threads`` has torch use two, ``raises``, ``writes`` to a
file by its path, ``keeps`` one open, makes ``garbage`` that is cyclic, has a ``thread``,
may have but ``few`` files open.
"""

import atexit
import gc
import hashlib
import os
import random
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import torch
from torch import nn

WORDS = sys.argv[1:]
signals: list[int] = []
signal.signal(signal.SIGCHLD, lambda number, frame: signals.append(number))
atexit.register(lambda: Path("exits.txt").open("a").write("exit\n"))
forks: list[str] = []
os.register_at_fork(
    before=lambda: forks.append("before"),
    after_in_parent=lambda: forks.append("after"),
    after_in_child=lambda: Path("forks.txt").write_text("child"),
)
torch.set_num_threads(2 if "threads" in WORDS else 1)
torch.manual_seed(3)
random.seed(4)
kept = Path("kept.txt").open("a+") if "keeps" in WORDS else None


class Cycle:
    """Refers to itself."""

    alive = 0

    def __init__(self) -> None:
        self.me = self
        Cycle.alive += 1

    def __del__(self) -> None:
        Cycle.alive -= 1


def wait_for(name: str) -> None:
    """Wait for a file."""
    while not Path(name).exists():
        time.sleep(0.01)


if "few" in WORDS:
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
if "thread" in WORDS:
    threading.Thread(target=time.sleep, args=(600,), name="sleeper", daemon=True).start()
try:
    for iteration in range(1, 41):
        if "waits" in WORDS and iteration == 25:
            wait_for("go")
        optimizer.zero_grad()
        loss = (model(torch.randn(5, 3)) * random.random()).square().mean()
        loss.backward()
        optimizer.step()
        try:
            os.wait()
        except ChildProcessError:
            pass
        else:
            print("a child of the script's has ended")
        for _ in range(200 if "garbage" in WORDS else 0):
            Cycle()
        if "writes" in WORDS:
            Path("log.txt").open("a").write(f"{iteration}\n")
        if kept is not None:
            kept.write(f"{iteration}\n")
            kept.flush()
        if iteration % 10 == 0:
            print("iteration", iteration, "is over")
    if "raises" in WORDS:
        raise RuntimeError("as asked for")
finally:
    Path("exits.txt").open("a").write("finally\n")
digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters()))
print("weights", digest.hexdigest()[:16], "signals", signals, "forks", forks, "frozen", gc.get_freeze_count())
if kept is not None:
    kept.seek(0)
    print("kept", len(kept.read().split()))
if "garbage" in WORDS:
    gc.collect()
    Path("left.txt").write_text(str(Cycle.alive))
