"""The conformance runner itself, without torch: its list of exceptions, its workers, its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conformance.ops import exceptions, report, results
from tests.conformance.ops.exceptions import complaints
from tests.conformance.ops.pool import Worker, results as tried
from tests.conformance.ops.results import Result

GOOD = Result("add", "float64", 10, 4, 0, 0, 12, 9, 3, {"too large": 2})
BAD = Result("svd", "float64", 10, 4, 0, 0, 12, 9, 3, {}, ["sample 2: differs"])

WORKER = """
import json, os, sys, time
for line in sys.stdin:
    op, dtype, count = json.loads(line)
    if op == "hangs":
        time.sleep(60)
    if op == "dies":
        os.abort()
    if op == "leaves":
        sys.exit(3)
    print(json.dumps({"op": op, "dtype": dtype, "asked": count, "samples": 1}), flush=True)
"""


def test_what_fails_must_be_on_the_list() -> None:
    """An op that does not conform and is no exception is complained of, by name and with what is wrong."""
    assert complaints([GOOD, BAD], {}) == ["svd float64 does not conform: sample 2: differs"]
    assert complaints([GOOD, BAD], {BAD.key: "its gauge is free"}) == []


def test_what_is_on_the_list_must_fail() -> None:
    """An exception that conforms has to be taken off: the list only shrinks."""
    assert complaints([GOOD], {GOOD.key: "once"}) == ["add float64 conforms: take it off the list of exceptions"]


def test_an_exception_without_a_reason_is_refused(tmp_path: Path) -> None:
    """Each entry says why, and is there once."""
    path = tmp_path / "exceptions.json"
    path.write_text(json.dumps([{"op": "add", "dtype": "float64", "reason": " "}]))
    with pytest.raises(ValueError, match="no reason"):
        exceptions.load(path)


def test_a_crash_or_a_hang_costs_one_case() -> None:
    """Each case has a result, and those after a crash or a time-out are tried in a new process."""
    keys = [(op, "float64") for op in ("fine", "dies", "leaves", "hangs", "well")]
    found = {result.op: result for result in tried(keys, 2, 1, 1.0, lambda: Worker((sys.executable, "-c", WORKER)))}
    assert found["fine"].conforms
    assert found["well"].conforms
    assert found["dies"].problems == ["the process was ended by SIGABRT"]
    assert found["leaves"].problems == ["the process exited with 3"]
    assert found["hangs"].problems == ["not done after 1 s"]


def test_results_are_read_back(tmp_path: Path) -> None:
    """A run that was broken off goes on from its file: the newest result of each case counts."""
    path = tmp_path / "results.jsonl"
    assert results.load(path) == []
    for result in (BAD, GOOD, Result("svd", "float64", 10)):
        results.append(path, result)
    assert results.load(path) == [Result("svd", "float64", 10), GOOD]


def test_the_closing_line_counts_ops_and_cases() -> None:
    """An op conforms when it does in every dtype."""
    line = report.closing([GOOD, BAD, Result("svd", "complex128", 10, 4)])
    assert line == (
        "1 of 2 ops conform (float64 1 of 2, complex128 1 of 1): 12 samples, 24 nodes, 18 products checked, "
        "2 not probed; 1 exceptions"
    )


def test_the_table_has_a_row_a_case() -> None:
    """Counts, reasons and the verdict stand in one line each."""
    lines = report.table([BAD, GOOD]).splitlines()
    assert lines[0].split() == ["op", "dtype", "samples", "nodes", "checked", "unprobed", "verdict"]
    assert lines[1].split()[:6] == ["add", "float64", "4", "12", "9", "2"]
    assert lines[1].endswith("conforms [2 too large]")
    assert lines[2].endswith("sample 2: differs")


def test_ops_without_any_product_are_named() -> None:
    """What was never compared is said, over all dtypes of an op."""
    bare = Result("svd", "complex128", 10, 4)
    assert report.unchecked([GOOD, bare]) == ["svd"]
    assert report.unchecked([GOOD, BAD, bare]) == []
