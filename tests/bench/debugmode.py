"""Runs a script as ``python script.py`` would, under torch's own DebugMode: ``debugmode.py script.py [words]``."""

from __future__ import annotations

import runpy
import sys

from torch.utils._debug_mode import DebugMode

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    with DebugMode():
        runpy.run_path(sys.argv[0], run_name="__main__")
