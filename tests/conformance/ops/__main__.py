"""The conformance run: ``python -m tests.conformance.ops [--only NAME ...] [--samples N] [--jobs 2] [--table FILE]``.

Takes every op of torch's own database that autograd supports, in float64 and complex128, and runs its samples plainly
and under the tracer, stepping through backward. It holds the results against each other bit for bit, and each node's
upstream x local, as the tape has it, against what the engine produced. It exits with 1 where what does not conform is
not what the list of exceptions says. A run that is broken off goes on from its file of results.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.conformance.ops import exceptions, report, results
from tests.conformance.ops.pool import results as tried

SAMPLES = 10
SECONDS = 300.0


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.ops", description="gradb against op_db.")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these ops only, by their names in op_db")
    parser.add_argument(
        "--samples", type=int, default=SAMPLES, help="of an op and dtype, at most; 0: all (%(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time-out of one op in one dtype (%(default)g)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table here in place of standard output")
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="keep results here, one a line, and go on from them"
    )
    options = parser.parse_args(arguments)
    if options.samples < 0 or options.jobs < 1:
        parser.error("--samples must not be negative, --jobs at least 1")
    return options


def main(arguments: list[str]) -> int:
    """Run, print the table, what is against the list of exceptions, and the closing line; return the exit code."""
    from tests.conformance.ops.samples import cases, differentiable  # takes seconds: not for --help

    options = parse(arguments)
    if unknown := sorted(set(options.only) - set(differentiable())):
        print(f"no op of the database that supports autograd is called {', '.join(unknown)}", file=sys.stderr)
        return 2
    keys = [(case.op, case.dtype) for case in cases(options.only)]
    found = gather(keys, options)
    text = report.table(found)
    if options.table is None:
        print(text)
    else:
        options.table.write_text(text, encoding="utf-8")
    print(f"why products were not compared:\n{report.reasons(found)}")
    print(f"ops of which no product was compared: {', '.join(report.unchecked(found)) or 'none'}\n")
    unsteady = ", ".join(report.unsteady(found)) or "none"
    print(f"samples that differ from run to run in plain torch, whose last bits were not compared: {unsteady}\n")
    against = exceptions.complaints(found, exceptions.load())
    print("".join(f"{complaint}\n" for complaint in against), end="")
    print(report.closing(found))
    return 1 if against else 0


def gather(keys: list[tuple[str, str]], options: argparse.Namespace) -> list[results.Result]:
    """Return the result of each case, from the file of results where it is there."""
    kept = results.load(options.results) if options.results else []
    known = {result.key: result for result in kept if result.asked == options.samples}
    found = [known[key] for key in keys if key in known]
    todo, began = [key for key in keys if key not in known], time.monotonic()
    for number, result in enumerate(tried(todo, options.samples, options.jobs, options.seconds), start=1):
        found.append(result)
        if options.results:
            results.append(options.results, result)
        if not result.conforms:
            print(f"{result.op} {result.dtype}: {result.problems[0]}", file=sys.stderr)
        if number % 50 == 0:
            print(f"{number} of {len(todo)} after {time.monotonic() - began:.0f} s", file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
