"""What ``gradb --version`` says: the version, the C accelerator, and what keeps checkpoints from doing harm.

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
    """Return the lines."""
    accelerator, *more = _standing()
    return "\n".join([f"gradb {gradb.__version__} ({accelerator})", *more])


def _standing() -> list[str]:
    """Ask a process of the script's side what there is."""
    command = [sys.executable, "-m", "gradb.tracer.process.standing"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return ["C accelerator: cannot be told"]
    return done.stdout.strip().splitlines()


class PrintVersion(argparse.Action):
    """Prints it and ends; nothing is asked unless the option is given."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the lines."""
        print(version())
        parser.exit()
