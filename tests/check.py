"""Everything that has to hold, in one command: ``python -m tests.check``.

Runs the formatter's check, the linter, the import contracts and the tests, beside which the type checker runs, all of
them even when one fails, and exits with 1 if any did. CI runs this and nothing else. Arguments go to pytest:
``python -m tests.check -k tape``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINT_IMPORTS = str(Path(sysconfig.get_path("scripts")) / "lint-imports")
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", (sys.executable, "-m", "ruff", "format", "--check")),
    ("lint", (sys.executable, "-m", "ruff", "check")),
    ("import contracts", (_LINT_IMPORTS,)),
)
"""Name and command of each step that takes a moment."""
TYPES = (sys.executable, "-m", "mypy")
"""Takes most of a minute, and one core."""
TESTS = (sys.executable, "-m", "pytest", "-n", "auto", "--dist", "worksteal")
_ALL_TESTS = ("-n", str((os.cpu_count() or 1) + 1))
"""For the whole suite one process more than there are cores: those of processes and terminals wait for long in all."""


class Beside:
    """A step that runs beside others; what it prints is kept until it is told.

    Args:
        name: what the step is called.
        command: what it runs.
    """

    def __init__(self, name: str, command: tuple[str, ...]) -> None:
        self._name, self._command, self._began, self._is_told = name, command, time.monotonic(), False
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - until it is told
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=self._output, stderr=subprocess.STDOUT)

    @property
    def is_news(self) -> bool:
        """Whether it has ended and was not told yet."""
        return not self._is_told and self._process.poll() is not None

    def tell(self) -> bool:
        """Print, once, what it printed and how it ended, waiting for that; tell whether it succeeded."""
        has_passed = self._process.wait() == 0
        if not self._is_told:
            self._is_told = True
            _announce(self._name, self._command)
            self._output.seek(0)
            print(self._output.read().decode(errors="replace"), end="")
            self._output.close()
            _say_how(self._name, has_passed=has_passed, began=self._began)
        return has_passed


def run(name: str, command: tuple[str, ...]) -> bool:
    """Run one step, its output passed through, and tell whether it succeeded."""
    _announce(name, command)
    began = time.monotonic()
    has_passed = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    _say_how(name, has_passed=has_passed, began=began)
    return has_passed


def run_tests(command: tuple[str, ...], beside: Beside) -> bool:
    """Run the tests, and tell whether they have passed; their closing line comes last, behind what ran beside them."""
    _announce("tests", command)
    color = ("--color=yes",) if sys.stdout.isatty() else ()
    with subprocess.Popen(command + color, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        held = ""
        for line in process.stdout:
            print(held, end="", flush=True)
            held = line
            if beside.is_news:
                beside.tell()
    beside.tell()
    print(held, end="", flush=True)
    return process.returncode == 0


def _announce(name: str, command: tuple[str, ...]) -> None:
    print(f"--- {name}: {' '.join(Path(word).name for word in command)}", flush=True)


def _say_how(name: str, *, has_passed: bool, began: float) -> None:
    print(f"--- {name}: {'ok' if has_passed else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True)


def main(pytest_arguments: list[str]) -> int:
    """Run all steps and return the exit code."""
    failed = [name for name, command in STEPS if not run(name, command)]
    types = Beside("types", TYPES)
    if not run_tests(TESTS + (tuple(pytest_arguments) or _ALL_TESTS), types):
        failed.append("tests")
    if not types.tell():
        failed.append("types")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
