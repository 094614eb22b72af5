"""Runs gradb on whatever accelerator torch finds: ``python -m tests.device [--device cpu] [--quick]``.

Scenarios, hard cases and a training in mixed precision, bare and recorded, whose results have to have the same bits
(deterministic algorithms); pausing at nodes that a thread of the device runs, and stepping on; what watching and full
recording cost. It prints a table, and ends with 1 if a check fails. Where there is no accelerator it says so and ends
with 0: nothing was run then.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence

import torch

from tests.device.checks import Row, run_all

NONE = "torch finds no accelerator here: nothing was run (--device cpu runs the same checks on the CPU)"


def find() -> str | None:
    """Return the accelerator that torch finds, or None."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return None if found is None else found.type


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| check | result | seconds |", "|---|---|---|"]
    lines += [f"| {row.check} | {row.result} | {row.seconds:.0f} |" for row in rows]
    return "\n".join(lines)


def describe(device: str) -> str:
    """Return what the table holds for."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return f"On {device} ({name}), torch {torch.__version__}, Python {platform.python_version()}:"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.device", description=__doc__)
    parser.add_argument("--device", help="the device to run on (default: the accelerator that torch finds)")
    parser.add_argument("--quick", action="store_true", help="one scenario and one hard case, one round for the costs")
    options = parser.parse_args(arguments)
    device = options.device or find()
    if device is None:
        print(NONE)
        return 0
    rows = run_all(device, is_quick=options.quick)
    print(describe(device), table(rows), sep="\n\n")
    return 0 if all(row.is_good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
