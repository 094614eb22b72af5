"""Runs gradb, and scripts without it, as a user would: each in a process of its own.

``gradb`` and ``bare`` are forks of a process that has torch in memory; ``run`` starts whatever it is given anew.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
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


def gradb(
    *arguments: str | Path, cwd: Path = SCRIPTS, env: dict[str, str] | None = None, finalizes: bool = False
) -> Done:
    """Run gradb; with an environment of its own in an interpreter of its own."""
    if env:
        return run(*GRADB, *arguments, cwd=cwd, env=env)
    return _WARM.run("gradb", *arguments, cwd=cwd, finalizes=finalizes)


def forked(*words: str | Path, cwd: Path = SCRIPTS, env: dict[str, str]) -> Done:
    """Run ``gradb ...`` or a script where environment variables are set that are read only while the script runs."""
    return _WARM.run(*words, cwd=cwd, env=env)


def bare(*arguments: str | Path, cwd: Path = SCRIPTS, finalizes: bool = False) -> Done:
    """Run a script, or with ``-m`` a module, with plain Python."""
    return _WARM.run(*arguments, cwd=cwd, finalizes=finalizes)


class _Warm:
    """The process that has torch, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def run(self, *words: str | Path, cwd: Path, finalizes: bool = False, env: dict[str, str] | None = None) -> Done:
        """Have a process forked and wait for its end."""
        given = {"cwd": str(cwd), "env": os.environ | (env or {}), "finalizes": finalizes}
        asked = {"words": [str(word) for word in words], **given}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            requests = self._started()
            socket.send_fds(requests, [json.dumps(asked).encode()], [out.fileno(), err.fileno()])
            try:
                code = requests.recv(64)
            except TimeoutError:
                self.close()
                raise
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return Done(int(code), *texts)

    def _started(self) -> socket.socket:
        if self._requests is None:
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._requests.settimeout(DEADLINE)
            words = [sys.executable, str(Path(__file__).with_name("warm.py")), str(theirs.fileno())]
            pipe = subprocess.DEVNULL
            with theirs:
                self._process = subprocess.Popen(
                    words, cwd=ROOT, stdin=pipe, stdout=pipe, pass_fds=(theirs.fileno(),), start_new_session=True
                )
            atexit.register(self.close)
        return self._requests

    def close(self) -> None:
        """End it, and what it is waiting for."""
        process, self._process = self._process, None
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


_WARM = _Warm()


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
