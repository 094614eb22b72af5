"""The command that runs gradb on several versions of torch: what it installs, and how it counts."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from gradb.rules.versions import TESTED
from tests import versions

README, PROJECT = ((versions.ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "pyproject.toml"))


def test_everything_but_torch_is_held_to_the_constraints() -> None:
    """Torch and what it chooses for itself are free, gradb's own dependencies and the test tools are not."""
    names = {line.partition("==")[0] for line in versions.constraints().splitlines()}
    assert {"textual", "rich", "plotext", "pytest"} <= names
    assert names.isdisjoint({"torch", "sympy", "networkx"})


def test_an_interpreter_is_found_by_its_version() -> None:
    """This Python is found under its own minor version, and one that does not exist is not."""
    assert versions.interpreter(f"{sys.version_info.major}.{sys.version_info.minor}") is not None
    assert versions.interpreter("2.1") is None


def test_a_report_is_counted(tmp_path: Path) -> None:
    """Errors count as failures, which are named; what did not occur is not mentioned."""
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="a" name="one"/><testcase classname="a" name="two"><failure/>'
        '</testcase><testcase classname="b" name="three"><error/></testcase></testsuite></testsuites>'
    )
    assert versions.counted(report) == ("1 passed, 2 failed", ("a::two", "b::three"))


def test_what_cannot_be_run_is_in_the_table(tmp_path: Path) -> None:
    """A Python that is not there is said in its row; nothing is installed for it."""
    row = versions.tried("2.15.0", "2.1", tmp_path, measures=False)
    lines = versions.table([row, versions.Row("2.13.0", "3.11.7", dict.fromkeys(versions.SUITES, "15 passed"))])
    assert lines.splitlines()[2] == f"| 2.15.0 | 2.1 |{' not run: there is no such Python here |' * 2}"
    assert lines.splitlines()[3] == "| 2.13.0 | 3.11.7 | 15 passed | 15 passed |"
    assert list(tmp_path.iterdir()) == []


def test_what_is_declared_is_what_was_run() -> None:
    """The README's table has a row for each usual version; the package's range and classifiers say the same."""
    rows = re.findall(r"^\| (\d+\.\d+)\.\d+ \| (\d+\.\d+)\.\d+ \|.* passed", README, re.MULTILINE)
    assert set(rows) == {(torch.rpartition(".")[0], python) for torch, _, python in map(_parted, versions.USUAL)}
    torches = sorted({tuple(map(int, torch.split("."))) for torch, _ in rows})
    assert (torches[0], torches[-1]) == TESTED
    oldest, newest = torches[0], torches[-1]
    declared = f'"torch>={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}"'
    assert declared in PROJECT
    assert set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PROJECT)) == {python for _, python in rows}


def _parted(version: str) -> tuple[str, str, str]:
    return version.partition(":")
