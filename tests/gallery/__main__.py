"""``python -m tests.gallery``: run every case, judge it, and print what was caught, missed and falsely alarmed.

Exit code 0 only if everything was caught, nothing else was found, and every line is right.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.gallery import table
from tests.gallery.cases import Case, all_cases
from tests.gallery.peers.comparison import print_comparison
from tests.gallery.running import PARENT, WORKERS, Result
from tests.gallery.verdict import judge


def main(argv: Sequence[str]) -> int:
    """Run the cases that are asked for, and return the exit code."""
    options = _options(argv)
    cases = _chosen(options.only)
    began = time.monotonic()
    results = run(cases, is_bare=options.bare)
    took = time.monotonic() - began
    if options.peers:
        print_comparison([judge(case, result) for case, result in zip(cases, results, strict=True)])
        return 0
    is_right = _print_bare(cases, results) if options.bare else _print_judged(cases, results)
    print(f"{took:.1f} s")
    return 0 if is_right else 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases, or parts of their names, or codes")
    parser.add_argument("--bare", action="store_true", help="run the scripts without gradb: do they end as they say?")
    parser.add_argument("--peers", action="store_true", help="ask other tools about the cases too (installs them)")
    return parser.parse_args(argv)


def _chosen(words: Sequence[str] | None) -> list[Case]:
    cases = all_cases()
    if words is None:
        return cases
    return [case for case in cases if any(word in case.name or word in case.findings + case.hints for word in words)]


def run(cases: Sequence[Case], *, is_bare: bool = False) -> list[Result]:
    """Run cases, several at once."""
    with ThreadPoolExecutor(WORKERS) as threads:
        return list(threads.map(lambda case: PARENT.run(case.path, is_bare=is_bare, ends_after=case.ends_after), cases))


def _print_judged(cases: Sequence[Case], results: Sequence[Result]) -> bool:
    verdicts = [judge(case, result) for case, result in zip(cases, results, strict=True)]
    for verdict in verdicts:
        print(table.row(verdict))
        for complaint in table.complaints(verdict):
            print(f"    {complaint}")
    print(*table.closing(verdicts), sep="\n")
    return all(verdict.is_right for verdict in verdicts)


def _print_bare(cases: Sequence[Case], results: Sequence[Result]) -> bool:
    wrong = [
        f"{case.name}: {failure}"
        for case, result in zip(cases, results, strict=True)
        for failure in judge(case, result).failures
    ]
    print(*wrong, f"{len(cases)} scripts run, {len(wrong)} end otherwise than they say", sep="\n")
    return not wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
