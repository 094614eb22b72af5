"""Runs gradb with several versions of torch and Python: ``python -m tests.versions [--measure] [TORCH[:PYTHON] ...]``.

For each one it makes an environment in a temporary folder, installs that torch and what gradb needs there, runs the
scenarios' command scripts and tests/tracer on a copy of the repository, and removes the environment before it makes the
next: one takes several gigabytes. At the end it prints the table that the README quotes. pip finds torch wherever it is
set up to.

``--measure`` also measures what changes from one version to the next, and writes it into this checkout: kinks.json with
docs/kinks.md, and formulas.json.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
USUAL = ("2.12.1:3.11", "2.13.0:3.11", "2.14.1:3.11", "2.15.0:3.11", "2.15.0:3.13")
TOOLS = "expecttest hypothesis numpy pexpect pyte pytest pytest-asyncio pytest-textual-snapshot pytest-timeout pyyaml"
FREE = frozenset("torch sympy mpmath networkx jinja2 markupsafe fsspec filelock setuptools typing_extensions".split())
"""What is not held to constraints.txt: torch, and what each torch chooses for itself."""
SUITES = {
    "scenarios": ("tests/e2e/test_scenarios.py::test_command_script_holds",),
    "tests/tracer": ("tests/tracer",),
}
MEASURES = ("tests.conformance.kinks", "tests.conformance.generate_formulas")
TIMEOUT = 7200.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    torch: str
    python: str
    results: dict[str, str] = field(default_factory=dict)
    """What became of each suite."""
    failed: tuple[str, ...] = ()
    """Names of the tests that failed."""


def interpreter(version: str) -> str | None:
    """Return a Python of a minor version: this one, one on the path, or one that pyenv has."""
    installed = sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python")
    )
    for candidate in (sys.executable, shutil.which(f"python{version}"), *map(str, installed)):
        if candidate is not None and _version(candidate).startswith(f"{version}."):
            return candidate
    return None


def _version(python: str) -> str:
    command = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def constraints() -> str:
    """Return constraints.txt without what a torch chooses for itself."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.partition("==")[0].lower() not in FREE) + "\n"


def counted(report: Path) -> tuple[str, tuple[str, ...]]:
    """Return what a JUnit report says, in words, and the names of the tests that failed."""
    outcomes: Counter[str] = Counter()
    failed = []
    for case in ET.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        outcomes[outcome] += 1
        if outcome == "failed":
            failed.append(f"{case.get('classname')}::{case.get('name')}")
    return ", ".join(f"{outcomes[one]} {one}" for one in ("passed", "failed", "skipped") if outcomes[one]), tuple(
        failed
    )


def install(python: str, torch: str, folder: Path) -> Path:
    """Make an environment with one version of torch and gradb's own dependencies; return its Python."""
    subprocess.run([python, "-m", "venv", folder / "env"], check=True)
    mine, limits = folder / "env" / "bin" / "python", folder / "constraints.txt"
    limits.write_text(constraints(), encoding="utf-8")
    wanted = [f"torch=={torch}", *TOOLS.split(), *_dependencies()]
    subprocess.run([mine, "-m", "pip", "install", "--quiet", "-c", limits, *wanted], check=True)
    return mine


def _dependencies() -> list[str]:
    """Return what gradb itself needs beside torch."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    return [name for name in re.findall(r'"([^"]+)"', listed) if not name.startswith("torch")]


def tried(torch: str, python: str, folder: Path, *, measures: bool) -> Row:
    """Run everything with one version of torch and one of Python, in a folder that is removed afterwards."""
    base = interpreter(python)
    if base is None:
        return Row(torch, python, dict.fromkeys(SUITES, "not run: there is no such Python here"))
    mine = install(base, torch, folder)
    copy = folder / "gradb"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    results: dict[str, str] = {}
    failed: list[str] = []
    for suite, tests in SUITES.items():
        report = folder / "report.xml"
        command = [str(mine), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *tests]
        subprocess.run(command, cwd=copy, env=_environment(copy), timeout=TIMEOUT, check=False, stdout=sys.stderr)
        results[suite], names = counted(report)
        failed += names
    for module in MEASURES if measures else ():
        subprocess.run([mine, "-m", module], cwd=ROOT, env=_environment(ROOT), timeout=TIMEOUT, check=True)
    return Row(torch, _version(str(mine)), results, tuple(failed))


def _environment(checkout: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(checkout / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def table(rows: list[Row]) -> str:
    """Return the table that the README quotes."""
    head = [f"| torch | Python | {' | '.join(SUITES)} |", f"|---|---|{'---|' * len(SUITES)}"]
    cells = [(row.torch, row.python, *(row.results[suite] for suite in SUITES)) for row in rows]
    return "\n".join([*head, *(f"| {' | '.join(texts)} |" for texts in cells)])


def main(arguments: list[str]) -> int:
    """Run each version in turn and print the table; the exit code is 1 when a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description="gradb on several versions of torch.")
    parser.add_argument("versions", nargs="*", metavar="TORCH[:PYTHON]", help=f"of torch, and of Python: {USUAL[-1]}")
    parser.add_argument("--measure", action="store_true", help="also measure kinks and formulas, into this checkout")
    options = parser.parse_args(arguments)
    rows = []
    for one in options.versions or USUAL:
        torch, _, python = one.partition(":")
        with tempfile.TemporaryDirectory(prefix="gradb-versions-") as folder:
            minor = python or f"{sys.version_info.major}.{sys.version_info.minor}"
            rows.append(tried(torch, minor, Path(folder), measures=options.measure))
        for name in rows[-1].failed:
            print(f"torch {torch}, Python {rows[-1].python}: failed: {name}", flush=True)
    print(table(rows))
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
