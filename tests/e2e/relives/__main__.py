"""``python -m tests.e2e.relives [--count N] [--seed N]``: ends with exit code 1 where rounds did not hold."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.e2e.gradb_process import WarmParts
from tests.e2e.relives.cases import CASES
from tests.e2e.relives.round import FINE, WHOLE, Round


def main() -> None:
    """Run the rounds, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.relives", description="Live stretches again.")
    parser.add_argument("--count", type=int, default=300, help="stretches that are lived again or refused")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--only", help="part of a script's name")
    options = parser.parse_args()
    subprocess.Popen = WarmParts  # type: ignore[misc]
    cases = [case for case in CASES if (options.only or "") in case.path.stem]
    seed, found, failed = options.seed, Counter[str](), list[int]()
    while found.total() < options.count:
        case = cases[seed % len(cases)]
        with tempfile.TemporaryDirectory(prefix="gradb-relives-") as folder:
            one = Round(case, seed, Path(folder).resolve())
            one.hold()
        found.update(why if why in FINE else "refused, or to be looked at" for why in one.outcomes if why != WHOLE)
        bad = [*one.strange(), *one.faults]
        failed += [seed] if bad else []
        print(f"{seed} {case.path.stem}: {'; '.join(bad) if bad else ', '.join(one.outcomes)}", flush=True)
        seed += 1
    print(f"{dict(found)}; rounds that did not hold: {failed or 'none'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
