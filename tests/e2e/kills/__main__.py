"""Kills whatever takes part, at random moments: ``python -m tests.e2e.kills [COUNT] [--seed N] [--checkpoints]``.

In recordings, or where checkpoints wait and runs go on from them. Ends with exit code 1 and the seeds of the rounds
that did not hold.
"""

from __future__ import annotations

import argparse
import sys

from gradb.scribe import tapes
from tests.e2e.kills import checkpoints, recordings
from tests.e2e.kills.killing import Killing

vars(tapes)["_BEGINNING"] = 0.0  # nobody begins anything once all are killed


def main() -> None:
    """Run the rounds, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.kills", description="Kill what takes part in runs.")
    parser.add_argument("count", nargs="?", type=int, help="of rounds (default: 200, with --checkpoints 100)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoints", action="store_true", help="where checkpoints wait and runs go on from them")
    options = parser.parse_args()
    kind: type[Killing] = (checkpoints if options.checkpoints else recordings).Round
    count, killed, failed = options.count or (100 if options.checkpoints else 200), 0, []
    for seed in range(options.seed, options.seed + count):
        one = kind(seed)
        try:
            why = one.hold()
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
        killed += one.is_killed
        if why:
            failed.append(seed)
            print(f"seed {seed}, {one}: {why}", flush=True)
    print(f"{killed} kills in {count} rounds, {len(failed)} did not hold{f': seeds {failed}' if failed else ''}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
