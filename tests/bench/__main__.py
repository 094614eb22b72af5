"""The benchmark: ``python -m tests.bench [--repeat 5] [--quick] [w1 w2 ...]``.

Runs each workload bare and under ``gradb record``, in pairs one right after the other and in shuffled order, and prints
the medians and the ratio of each pair with its range. A workload times its own training section, after imports and a
warm-up, so that the start of Python and torch is not in the figures. It measures and prints; it judges nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import gradb

WORKLOADS = Path(__file__).resolve().parent / "workloads"


@dataclass(frozen=True, slots=True)
class Workload:
    """One script and how long it trains."""

    script: str
    text: str
    """What it is, for the table."""
    amount: int
    """Iterations (w4: ops)."""
    quick: int
    """The same with ``--quick``."""


TABLE = {
    "w1": Workload("w1_thermometer.py", "W1 thermometer net, SGD", 1000, 200),
    "w2": Workload("w2_mlp.py", "W2 MLP 784-256-128-10, Adam", 100, 20),
    "w3": Workload("w3_gpt.py", "W3 GPT, 4 layers, AdamW", 10, 3),
    "w4": Workload("w4_chain.py", "W4 chain, one backward", 20_000, 4000),
}


@dataclass(slots=True)
class Measured:
    """What the runs of one workload gave, pair by pair."""

    bare: list[float] = field(default_factory=list)
    """Seconds."""
    record: list[float] = field(default_factory=list)
    """Seconds, the partner of the same index in ``bare``."""
    bare_kib: list[int] = field(default_factory=list)
    """Peak memory of the process."""
    record_kib: list[int] = field(default_factory=list)
    tape_bytes: int = 0

    @property
    def ratios(self) -> list[float]:
        """Record over bare, per pair."""
        return [slow / fast for fast, slow in zip(self.bare, self.record, strict=True)]


def run(command: list[str]) -> tuple[float, int]:
    """Run one workload and return its seconds and its peak memory in KiB."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stderr}")
    report = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return report["seconds"], report["peak_kib"]


def run_pair(workload: Workload, amount: int, measured: Measured, folder: Path) -> None:
    """Run a workload bare and recorded, in random order, and add the figures."""
    script = [str(WORKLOADS / workload.script), str(amount)]
    tape = folder / "bench.tape"
    bare = [sys.executable, *script]
    record = [sys.executable, "-m", "gradb", "record", "-o", str(tape), *script]
    sides = [(bare, measured.bare, measured.bare_kib), (record, measured.record, measured.record_kib)]
    random.shuffle(sides)
    for command, seconds, memory in sides:
        taken, peak = run(command)
        seconds.append(taken)
        memory.append(peak)
    measured.tape_bytes = tape.stat().st_size
    tape.unlink()


def row(text: str, amount: int, measured: Measured) -> str:
    """Return one line of the table."""
    bare, record = statistics.median(measured.bare), statistics.median(measured.record)
    ratios = measured.ratios
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    memory = (statistics.median(measured.record_kib) - statistics.median(measured.bare_kib)) / 1024
    return (
        f"| {text} | {amount} | {1000 * bare:.0f} ms | {1000 * record:.0f} ms | {statistics.median(ratios):.2f} "
        f"| {spread} | {memory:+.0f} MiB | {measured.tape_bytes / 2**20:.1f} MiB |"
    )


def machine() -> str:
    """Name the machine and the versions that the figures hold for."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    torch = f"torch {version('torch')}, one thread"
    return f"{name}, {os.cpu_count()} cores; Python {platform.python_version()}, {torch}, gradb {gradb.__version__}"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Bare against gradb record.")
    parser.add_argument("workloads", nargs="*", metavar="w1..w4", help="which ones; all when none is named")
    parser.add_argument("--repeat", type=int, default=5, help="pairs per workload (5)")
    parser.add_argument("--quick", action="store_true", help="shorter workloads, for a first look")
    options = parser.parse_args(arguments)
    unknown = set(options.workloads) - set(TABLE)
    if unknown or options.repeat < 1:
        parser.error(f"no workload {', '.join(sorted(unknown))}" if unknown else "--repeat must be at least 1")
    return options


def main(arguments: list[str]) -> None:
    """Measure and print the table."""
    options = parse(arguments)
    chosen = {key: TABLE[key] for key in (options.workloads or TABLE)}
    amounts = {key: load.quick if options.quick else load.amount for key, load in chosen.items()}
    results = {key: Measured() for key in chosen}
    turns = [key for key in chosen for _ in range(options.repeat)]
    random.shuffle(turns)
    with tempfile.TemporaryDirectory() as folder:
        for number, key in enumerate(turns, 1):
            print(f"pair {number} of {len(turns)}: {key}", file=sys.stderr, flush=True)
            run_pair(chosen[key], amounts[key], results[key], Path(folder))
    print(f"{machine()}; medians of {options.repeat} pairs\n")
    print("| workload | iterations | bare | record | ratio | range of ratios | memory | tape |")
    print("|---|---|---|---|---|---|---|---|")
    for key, load in chosen.items():
        print(row(load.text, amounts[key], results[key]))


if __name__ == "__main__":
    main(sys.argv[1:])
