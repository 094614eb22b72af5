"""What ``gradb --version`` says: the version, and whether the script's process has the C accelerator.

That is asked of a process of its own, since the debugger's loads nothing of the tracer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

import gradb

_TIMEOUT = 60.0


def version() -> str:
    """Return the line."""
    return f"gradb {gradb.__version__} ({_accelerator()})"


def _accelerator() -> str:
    command = [sys.executable, "-m", "gradb.tracer.native"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return "C accelerator: cannot be told"
    return done.stdout.strip()


class PrintVersion(argparse.Action):
    """Prints it and ends; nothing is asked unless the option is given."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the line."""
        print(version())
        parser.exit()
