"""Runs a script as ``python script.py`` would, under torch's anomaly detection: ``anomaly.py script.py [words]``."""

from __future__ import annotations

import runpy
import sys

import torch

if __name__ == "__main__":
    torch.autograd.set_detect_anomaly(True)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
