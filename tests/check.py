"""Everything that has to hold, in one command: ``python -m tests.check``.

Runs the formatter's check, the linter, the type checker, the import contracts and the tests, all of them even when one
fails, and exits with 1 if any did. CI runs this and nothing else. Arguments go to pytest:
``python -m tests.check -k tape``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINT_IMPORTS = str(Path(sysconfig.get_path("scripts")) / "lint-imports")
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", (sys.executable, "-m", "ruff", "format", "--check")),
    ("lint", (sys.executable, "-m", "ruff", "check")),
    ("types", (sys.executable, "-m", "mypy")),
    ("import contracts", (_LINT_IMPORTS,)),
    ("tests", (sys.executable, "-m", "pytest", "-n", "auto", "--dist", "worksteal")),
)
"""Name and command of each step; pytest comes last, so that its closing line is the last one."""
_ALL_TESTS = ("-n", str((os.cpu_count() or 1) + 1))
"""For the whole suite one process more than there are cores: those of processes and terminals wait for long in all."""


def run(name: str, command: tuple[str, ...]) -> bool:
    """Run one step, its output passed through, and tell whether it succeeded."""
    print(f"--- {name}: {' '.join(Path(word).name for word in command)}", flush=True)
    began = time.monotonic()
    has_passed = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    if not (has_passed and name == "tests"):
        print(f"--- {name}: {'ok' if has_passed else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True)
    return has_passed


def main(pytest_arguments: list[str]) -> int:
    """Run all steps and return the exit code."""
    failed = []
    for name, command in STEPS:
        extra = (tuple(pytest_arguments) or _ALL_TESTS) if name == "tests" else ()
        if not run(name, command + extra):
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
