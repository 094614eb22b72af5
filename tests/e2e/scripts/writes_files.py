"""Does to files in its working directory what scripts do."""

import atexit
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

open("read.txt").close()
with open("log.txt", "a") as log:
    log.write("one\n")
Path("new").mkdir()
torch.save(torch.ones(2), "new/model.pt")
torch.save(torch.ones(2), Path("model.tmp"))
os.replace("model.tmp", "model.pt")
os.remove("old.txt")
sqlite3.connect("runs.db").close()
with tempfile.TemporaryDirectory(dir=".") as folder, tempfile.TemporaryFile(dir="."):
    Path(folder, "scratch").write_text("")
os.close(os.open("low.bin", os.O_WRONLY | os.O_CREAT))
shutil.copy("read.txt", "copy.txt")
with open(os.devnull, "w") as nothing:
    nothing.write("x")
try:
    open("no/such/folder", "w")
except OSError:
    pass
if not os.fork():
    open("child.txt", "w").close()
    os._exit(0)
os.wait()
subprocess.run([sys.executable, "-c", "open('other.txt', 'w')"], check=True)
atexit.register(lambda: Path("last.txt").touch())
