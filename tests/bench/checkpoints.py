"""What checkpoints cost a run that is watched: ``python -m tests.bench.checkpoints [--rounds 5] [w1 w2 w3]``.

A round is one run with and one without, in shuffled order. What is compared is the CPU time of all processes: the
script's, with what was forked from it, and the scribe's. Beside it stands how many checkpoints were made, what they
cost by their own account, and the private memory of all that wait: what they have in common with the script is theirs
alone once that has ended, so it is measured while the script trains.

The C library gives memory back and takes it again in each iteration or in none, as the heap happens to lie, which can
make up a third of W2. Both runs are told to keep it, so that what is compared is not that.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.rerun import orders
from gradb.debugger.run import Run
from gradb.link.checkpoints import Waiting
from gradb.link.spec import RunSpec
from tests.bench.cases import WORKLOADS

AMOUNTS = {"w1": 8000, "w2": 600, "w3": 60}
BARS = {"w1": 1.10, "w2": 1.05, "w3": 1.05}
_EVERY = 0.5
_TICK = os.sysconf("SC_CLK_TCK")
_KEEPS_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(1 << 30)}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run has cost."""

    seconds: float
    """Of CPU time, all processes."""
    waiting: int
    told: float
    """CPU seconds that the checkpoints say they have cost."""
    memory: float
    """Private MiB of all of them."""


def _used(pid: int) -> float:
    """Return the CPU seconds of a process, and of those of its children that are gone."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(word) for word in words[11:15]) / _TICK


def _used_by_children() -> float:
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def _private(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def measure(name: str, most: int) -> Cost:
    """Watch a workload."""
    workload = WORKLOADS[name]
    with tempfile.TemporaryDirectory() as folder:
        script, *words = workload.command(AMOUNTS[name])
        spec = orders.watching(RunSpec(script, "", arguments=tuple(words), seed=1), f"{folder}/x.tape")
        before = _used_by_children()
        run = Run.launch(replace(spec, checkpoints=most))
        assert run._live is not None
        run.checkpoints = Pool()  # what comes is measured here
        debuggee = run._live.debuggee
        line = debuggee.line
        waiting: list[Waiting] = []
        memory, due = 0.0, time.monotonic()
        while run.is_live:
            if time.monotonic() >= due and debuggee.channel.fileno() >= 0:
                due = time.monotonic() + _EVERY
                with contextlib.suppress(OSError):
                    memory = sum(_private(one.pid) for one in waiting)
            run.pump(0.05)
            waiting += [one for one in line.take() if isinstance(one, Waiting)] if line is not None else []
        told = sum(one.price + one.copied for one in waiting)
        of_waiting = sum(_used(one.pid) for one in waiting)
        for one in waiting:
            one.close()
        run.close()
        seconds = _used_by_children() - before + of_waiting
    return Cost(seconds, len(waiting), told, memory)


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.checkpoints")
    parser.add_argument("names", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(AMOUNTS)}; all if left out")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if unknown := set(options.names) - set(AMOUNTS):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    os.environ |= _KEEPS_MEMORY
    for name in options.names or AMOUNTS:
        ratios, last = [], Cost(0.0, 0, 0.0, 0.0)
        for _ in range(options.rounds):
            found = {most: measure(name, most) for most in random.sample((0, 8), 2)}
            ratios.append(found[8].seconds / found[0].seconds)
            last = found[8]
        print(
            f"{name}: {statistics.median(ratios):.3f} of watching without ({min(ratios):.3f} to {max(ratios):.3f}, bar"
            f" {BARS[name]:.2f}); {last.waiting} checkpoints, {last.told / last.seconds:.1%} by their own account,"
            f" {last.memory:.0f} MiB of {last.seconds:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
