"""Runs gradb, and scripts without it, as a user would: each in a process of its own.

``gradb`` and ``bare`` are forks of a process that has torch in memory; ``run`` starts whatever it is given anew.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.warm import is_part, words_of
from tests.forkserver import Forked, Forkserver

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


def gradb(
    *arguments: str | Path, cwd: Path = SCRIPTS, env: dict[str, str] | None = None, finalizes: bool = False
) -> Done:
    """Run gradb; with an environment of its own in an interpreter of its own."""
    if env:
        return run(*GRADB, *arguments, cwd=cwd, env=env)
    return _to_its_end([*GRADB, *arguments], cwd, finalizes=finalizes)


def forked(*words: str | Path, cwd: Path = SCRIPTS, env: dict[str, str]) -> Done:
    """Run ``gradb ...`` or a script where environment variables are set that are read only while the script runs."""
    return _to_its_end([*GRADB, *words[1:]] if words[0] == "gradb" else [sys.executable, *words], cwd, env)


def bare(*arguments: str | Path, cwd: Path = SCRIPTS, finalizes: bool = False) -> Done:
    """Run a script, or with ``-m`` a module, with plain Python."""
    return _to_its_end([sys.executable, *arguments], cwd, finalizes=finalizes)


_WARM = Forkserver("tests.e2e.warm")


def start_server() -> None:
    """Start what is forked from now, where a test counts what is open."""
    _WARM.start()


class WarmProcess(Forked):
    """A process; gradb and scripts are forked from one that has torch in memory."""

    finalizes = False

    @classmethod
    def server(cls, argv: list[str]) -> tuple[Forkserver, dict[str, Any]] | None:
        """Return who forks it, and what it is asked."""
        return None if words_of(argv) is None else (_WARM, {"finalizes": cls.finalizes})


class WarmParts(Forked):
    """A process; what gradb in the test's own process starts, script and scribe, is forked from one that has torch."""

    @classmethod
    def server(cls, argv: list[str]) -> tuple[Forkserver, dict[str, Any]] | None:
        """Return who forks it, and what it is asked."""
        return (_WARM, {"finalizes": False}) if is_part(argv) else None


class _Finalizing(WarmProcess):
    """One that ends as with its interpreter."""

    finalizes = True


def _to_its_end(
    command: Sequence[str | Path], cwd: Path, env: dict[str, str] | None = None, *, finalizes: bool = False
) -> Done:
    """Have a process forked and wait for its end."""
    words, start = [str(word) for word in command], _Finalizing if finalizes else WarmProcess
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        environment = os.environ | (env or {})
        process = start(
            words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        try:
            code = process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return Done(code, *texts)


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
