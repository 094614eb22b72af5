"""The benchmark: ``python -m tests.bench [--repeat 5] [--quick] [--columns bare,watch,full,anomaly] [w1 w2 ...]``.

Runs each workload bare, under ``gradb record`` watching only and recording everything, and under torch's own anomaly
detection. A round is one run of each, one right after the other and in shuffled order; the rounds are shuffled too. It
prints the medians, and the ratios to the bare run of the same round with their range. A workload times its own training
section, after imports and a warm-up, so that the start of Python and torch is not in the figures. It measures and
prints; it judges nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.cases import COLUMNS, WORKLOADS, Column
from tests.bench.table import Round, Run, machine, table


def run(column: Column, script: list[str], tape: Path) -> Run:
    """Run one workload one way."""
    command = column.command(script, tape)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stderr}")
    report = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    size = tape.stat().st_size if column.is_taped else 0
    tape.unlink(missing_ok=True)
    return Run(report["seconds"], report["peak_kib"], size)


def run_round(columns: list[str], script: list[str], tape: Path) -> Round:
    """Run a workload once in each column, in random order."""
    return {name: run(COLUMNS[name], script, tape) for name in random.sample(columns, len(columns))}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What gradb costs.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; all if left out")
    parser.add_argument("--columns", default=",".join(COLUMNS), help="ways to run them (%(default)s); bare always is")
    parser.add_argument("--repeat", type=int, default=5, help="rounds per workload (5)")
    parser.add_argument("--quick", action="store_true", help="shorter workloads, for a first look")
    options = parser.parse_args(arguments)
    options.columns = list(dict.fromkeys(["bare", *options.columns.split(",")]))
    for what, names, known in (("workload", options.workloads, WORKLOADS), ("column", options.columns, COLUMNS)):
        if unknown := sorted(set(names) - set(known)):
            parser.error(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    return options


def main(arguments: list[str]) -> None:
    """Measure and print the table."""
    options = parse(arguments)
    chosen = {key: WORKLOADS[key] for key in (options.workloads or WORKLOADS)}
    amounts = {key: load.quick if options.quick else load.amount for key, load in chosen.items()}
    rounds: dict[str, list[Round]] = {key: [] for key in chosen}
    turns = [key for key in chosen for _ in range(options.repeat)]
    random.shuffle(turns)
    with tempfile.TemporaryDirectory() as folder:
        for number, key in enumerate(turns, 1):
            print(f"round {number} of {len(turns)}: {key}", file=sys.stderr, flush=True)
            script = chosen[key].command(amounts[key])
            rounds[key].append(run_round(options.columns, script, Path(folder) / "bench.tape"))
    print(f"{machine()}; medians of {options.repeat} rounds\n")
    rows = [(load, amounts[key], rounds[key]) for key, load in chosen.items()]
    print("\n".join(table(rows, options.columns)))


if __name__ == "__main__":
    main(sys.argv[1:])
