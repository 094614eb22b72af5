"""Says what signals come, has a child that waits, and ends when told; with `plain`, leaves signals to the system.

What it says also goes to a file beside the one that tells it to end. With `busy` it does not stop at SIGTSTP.
"""

import os
import signal
import sys
import time

NAMES = ("HUP", "TERM", "INT", "QUIT", "USR1", "USR2", "WINCH", "CONT")
said = os.open(f"{sys.argv[1]}.said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def say(text: str) -> None:
    for stream in (said, 1):
        os.write(stream, f"{text}\n".encode())


child = os.fork()
if child == 0:
    time.sleep(600)
    os._exit(0)
if "plain" not in sys.argv:
    for name in (*NAMES, *(["TSTP"] if "busy" in sys.argv else [])):
        signal.signal(getattr(signal, f"SIG{name}"), lambda number, frame: say(signal.Signals(number).name))
say(f"ready {os.getpid()} {child}")
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
os.kill(child, signal.SIGKILL)
sys.exit(7)
