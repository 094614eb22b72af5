"""The benchmark: ``python -m tests.bench [--repeat 5] [--quick] [--columns bare,watch,full,anomaly] [w1 w2 ...]``.

Runs each workload bare, under ``gradb record`` watching only and recording everything, and under torch's own anomaly
detection. A round is one run of each, one right after the other and in shuffled order; the rounds are shuffled too.
Where a bar is so narrow that a few rounds cannot tell (below 1.10), the columns concerned run at least 21 rounds.
It prints medians of CPU time (of the script's process, all threads) and wall time, the ratios to the bare run of the
same round with their quartiles, and whether a bar is met: the median is below it, or it lies within the quartiles.
Beside the size of a tape stands how much longer than bare it takes from the end of the training until all is over: the
script is left, and the tape is complete.
A workload times its own training section, after imports and a warm-up, so that the start of Python and torch is not
in the figures. What else could tell the columns apart is made the same for all. The C library's allocator keeps what
is freed: left alone, it may give memory back in one run and not in another, whose figures then lack the price of taking
pages anew. And each run is a session of its own, as the debuggee is: by sessions the scheduler shares out the
processor.

``--before CHECKOUT`` runs the gradb of another checkout in the same rounds, and prints what this one costs against it.
What the calls of large nodes with a random vector cost is told by ``--columns full,unchecked``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.bench.cases import COLUMNS, ROUNDS_OF_NARROW, WORKLOADS, Column, Workload
from tests.bench.table import Round, Run, machine, table

_USUAL = ("bare", "watch", "full", "anomaly")
_TIMEOUT = 600.0
_ALIKE = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),  # as much as glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
"""Set for every run."""


def environment_of(column: Column, before: str | None) -> dict[str, str]:
    """Return the environment of a run; ``before`` is the other checkout, if there is one."""
    environment = {**os.environ, **_ALIKE, **column.environment}
    if column.before and before is not None:
        environment["PYTHONPATH"] = os.path.join(before, "src")
    return environment


def run(column: Column, script: list[str], tape: Path, before: str | None) -> Run:
    """Run one workload one way."""
    command, environment = column.command(script, tape), environment_of(column, before)
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        watchdog = threading.Timer(_TIMEOUT, process.kill)
        watchdog.start()
        assert process.stdout is not None
        try:
            with process.stdout as out:
                line = next((line for line in out if line.lstrip().startswith("{")), "")
                reported = time.perf_counter()
                out.read()
            code = process.wait()
        finally:  # Ctrl+C does not reach another session
            watchdog.cancel()
            process.kill()
        errors.seek(0)
        if code or not line:
            sys.exit(f"{' '.join(command)} failed with exit code {code}:\n{errors.read()}")
    report, rest = json.loads(line), time.perf_counter() - reported
    size = tape.stat().st_size if column.is_taped else 0
    tape.unlink(missing_ok=True)
    return Run(report["cpu"], report["wall"], report["peak_kib"], size, rest)


def run_round(columns: list[str], script: list[str], tape: Path, before: str | None) -> Round:
    """Run a workload once in each column, in random order."""
    return {name: run(COLUMNS[name], script, tape, before) for name in random.sample(columns, len(columns))}


def plan(load: Workload, columns: list[str], repeat: int, *, is_quick: bool) -> list[list[str]]:
    """Return the columns of each round: all of them, then those alone that need more rounds than that."""
    narrow = [] if is_quick else [name for name in columns if load.is_narrow(name)]
    needed = {"bare", *narrow, *(COLUMNS[name].beside for name in narrow)}
    more = max(0, ROUNDS_OF_NARROW - repeat) if narrow else 0
    return [columns] * repeat + [[name for name in columns if name in needed]] * more


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What gradb costs.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; all if left out")
    parser.add_argument("--columns", default=",".join(_USUAL), help="ways to run them (%(default)s); bare always is")
    parser.add_argument("--repeat", type=int, default=5, help="rounds per workload (5); 21 where a bar is below 1.10")
    parser.add_argument("--quick", action="store_true", help="shorter workloads and no further rounds: a first look")
    parser.add_argument("--before", metavar="CHECKOUT", help="a checkout of gradb to compare full and watch with")
    options = parser.parse_args(arguments)
    columns = ["bare", *options.columns.split(",")]
    if options.before is not None:
        if not os.path.isfile(os.path.join(options.before, "src", "gradb", "__init__.py")):
            parser.error(f"--before {options.before}: there is no src/gradb in it")
        others = {name: column for name, column in COLUMNS.items() if column.before in columns}
        columns += [*others, *(column.compared for column in others.values())]
    columns += [COLUMNS[name].base for name in columns if name in COLUMNS]
    options.columns = list(dict.fromkeys(columns))
    known = [name for name in COLUMNS if options.before is not None or not COLUMNS[name].before]
    for what, names, all_ in (("workload", options.workloads, WORKLOADS), ("column", options.columns, known)):
        if unknown := sorted(set(names) - set(all_)):
            parser.error(f"no {what} {', '.join(unknown)}; there are {', '.join(all_)}")
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    return options


def main(arguments: list[str]) -> None:
    """Measure and print the table."""
    options = parse(arguments)
    chosen = {key: WORKLOADS[key] for key in (options.workloads or WORKLOADS)}
    amounts = {key: load.quick if options.quick else load.amount for key, load in chosen.items()}
    rounds: dict[str, list[Round]] = {key: [] for key in chosen}
    plans = {key: plan(load, options.columns, options.repeat, is_quick=options.quick) for key, load in chosen.items()}
    turns = [(key, columns) for key in chosen for columns in plans[key]]
    random.shuffle(turns)
    with tempfile.TemporaryDirectory() as folder:
        for number, (key, columns) in enumerate(turns, 1):
            print(f"round {number} of {len(turns)}: {key} {','.join(columns)}", file=sys.stderr, flush=True)
            script = chosen[key].command(amounts[key])
            rounds[key].append(run_round(columns, script, Path(folder) / "bench.tape", options.before))
    counts = sorted({len(one) for one in rounds.values()})
    print(f"{machine()}; medians of {' to '.join(map(str, dict.fromkeys((options.repeat, counts[-1]))))} rounds\n")
    rows = [(load, amounts[key], rounds[key]) for key, load in chosen.items()]
    print("\n".join(table(rows, options.columns)))


if __name__ == "__main__":
    main(sys.argv[1:])
