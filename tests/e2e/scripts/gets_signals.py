"""Says what signals come, has a child that waits, and ends when told; with `plain`, leaves signals to the system."""

import os
import signal
import sys
import time

NAMES = ("HUP", "TERM", "INT", "QUIT", "USR1", "USR2", "WINCH", "CONT")


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


if "plain" not in sys.argv:
    for name in NAMES:
        signal.signal(getattr(signal, f"SIG{name}"), lambda number, frame: say(signal.Signals(number).name))
child = os.fork()
if child == 0:
    time.sleep(600)
    os._exit(0)
say(f"ready {os.getpid()} {child}")
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
os.kill(child, signal.SIGKILL)
sys.exit(7)
