"""Runs gradb, and scripts without it, as a user would: each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"
SCRIPTS = Path(__file__).resolve().parent / "scripts"
GRADB = (sys.executable, "-m", "gradb")
DEADLINE = 240.0
"""Seconds after which a process that should have ended long ago is taken to hang."""

_BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Blocker())
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a process left."""

    code: int
    """Exit code; negative: ended by that signal."""
    out: str
    err: str


def run(*command: str | Path, cwd: Path = SCRIPTS, env: dict[str, str] | None = None, stdin: str = "") -> Done:
    """Run a command to its end."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | (env or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def gradb(*arguments: str | Path, cwd: Path = SCRIPTS, env: dict[str, str] | None = None) -> Done:
    """Run gradb."""
    return run(*GRADB, *arguments, cwd=cwd, env=env)


def bare(*arguments: str | Path, cwd: Path = SCRIPTS) -> Done:
    """Run plain Python."""
    return run(sys.executable, *arguments, cwd=cwd)


def without_torch(folder: Path) -> dict[str, str]:
    """Return the environment of a Python that has no torch, made in ``folder``."""
    (folder / "sitecustomize.py").write_text(_BLOCKER)
    rest = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(folder), *([rest] if rest else [])])}


def wait_until_none_with(word: str) -> None:
    """Wait until no running process has ``word`` on its command line."""
    deadline = time.monotonic() + DEADLINE
    while left := processes_with(word):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def processes_with(word: str) -> list[int]:
    """Return the ids of all running processes that have ``word`` on their command line (zombies have none)."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.encode() in part for part in words):
                found.append(int(folder.name))
    return found
