"""Counts the turns of a script, in a process of its own: ``python -m tests.gallery.peers.count SCRIPT MOST``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.gallery.peers.turns import Turns

if __name__ == "__main__":
    print(*Turns(Path(sys.argv[1])).count(int(sys.argv[2])))
