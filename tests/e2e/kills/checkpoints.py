"""Runs with checkpoints of which something is killed at a random moment.

A script trains while checkpoints are made and runs go on from them, some with something changed: as a test orders
them, many and at once, or as a user would with ``gradb run``, who lives iterations again and branches off. The script,
a checkpoint, a run that goes on from one, a scribe or gradb is killed, and a moment later gradb itself. Then no process
is left and no file of ours but the tapes; these open, with events without a gap; and the file that the script has open
while it is forked is what one run of the script has written.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gradb.debugger.rerun.workshop import workshop
from gradb.frame.reader import Tape
from gradb.log.segments import folder_of
from gradb.scribe.tapes import complete
from tests.e2e.gradb_process import GRADB, ROOT, SCRIPTS, WarmProcess, processes_with
from tests.e2e.kills.killing import Killing

_SCRIPT, _DRIVER = "counts_steps.py", "keeps_living.py"
_AFTERWARDS = 0.7
"""Seconds that what is left goes on before gradb is killed as well."""
_BEGUN, _THERE = 100.0, 8.0
"""Seconds within which the first run goes on from a checkpoint, and then what is to be killed is there."""
_STEPS = 3000
_LINES = (
    "finish; relive {late}; branch lr 0.003; finish; branches 0; relive {early}; relive {middle}",
    "iteration @{middle}; branch zero_grad off; finish; branches 0; finish; relive {early}; relive {late}",
    "finish; relive {middle}; relive {late}; relive {early}; branch lr 1e-4; finish",
)
"""What a user does once checkpoints are made, with numbers of iterations."""
_MAY_STAY = {"count", "script.py", "x.relived", "x.branches"}
_FIRST_TO_GO = "1000"
_BLOCKED = re.compile(r"^SigBlk:\s*([0-9a-f]+)$", re.MULTILINE)
_ALL_SIGNALS = sum(1 << number - 1 for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


class Round(Killing):
    """One run with its victim."""

    VICTIMS = ("script", "checkpoint", "runner", "scribe", "gradb")

    def run(self, folder: Path, chance: random.Random) -> None:
        """Have checkpoints made, and runs go on from them, until the victim is killed, and then gradb."""
        shutil.copy(SCRIPTS / _SCRIPT, folder / "script.py")
        process = WarmProcess(
            self._command(folder, chance), cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            self._kill(folder, process, chance)
        finally:
            process.kill()
            process.wait()

    def judge(self, folder: Path) -> str:
        """Look at the tapes, and at the file that the script has written."""
        return _judge(folder)

    def _command(self, folder: Path, chance: random.Random) -> list[str]:
        if chance.random() < 0.5:
            return [sys.executable, str(SCRIPTS / _DRIVER), str(folder), str(self.seed)]
        numbers = sorted(chance.sample(range(20, _STEPS - 20), 3))
        lines = chance.choice(_LINES).format(**dict(zip(("early", "middle", "late"), numbers, strict=True)))
        lines = f"iteration @10; checkpoints 8; {lines}"
        options = ("--yes", "--record", "watch", "--seed", "5", "-o", f"{folder}/x.tape", "-e", lines)
        return [*GRADB, "run", *options, f"{folder}/script.py", f"{folder}/count", str(_STEPS)]

    def _kill(self, folder: Path, gradb: subprocess.Popen[bytes], chance: random.Random) -> None:
        """Kill the victim at some moment, where there is one."""
        first = "runner" if chance.random() < 0.7 else "script"
        _until(lambda: gradb.poll() is not None or _all(folder, first), _BEGUN)
        time.sleep(chance.uniform(0.0, 1.5))
        _until(lambda: gradb.poll() is not None or _all(folder, self.victim), _THERE)
        for pid in _all(folder, self.victim)[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.is_killed = True
        if self.victim != "gradb":
            time.sleep(chance.uniform(0.0, _AFTERWARDS))


def _until(is_so: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)


def _all(folder: Path, victim: str) -> list[int]:
    """Return the processes of a kind that belong to a run."""
    return [pid for pid in processes_with(str(folder)) if _kind_of(pid) == victim]


def _kind_of(pid: int) -> str:
    process = Path(f"/proc/{pid}")
    try:
        words = (process / "cmdline").read_bytes()
        if b"scribe/__main__.py" in words:
            return "scribe"
        if b"tracer/__main__.py" not in words:
            return "gradb"
        if (process / "oom_score_adj").read_text().strip() != _FIRST_TO_GO:
            return "script"
        blocked = _BLOCKED.search((process / "status").read_text())
    except OSError:
        return ""
    return "checkpoint" if blocked is not None and int(blocked[1], 16) == _ALL_SIGNALS else "runner"


def _judge(folder: Path) -> str:
    with workshop(folder / "x.relived"):
        pass  # the next one removes what one that was killed has left
    complete(folder / "x.tape")  # and who opens the tape what lay beside it
    lines = (folder / "count").read_text().splitlines()
    if lines != [str(number) for number in range(len(lines))] or not lines:
        return "the script's file is not what the script has written"
    for path in sorted(folder.rglob("*.tape")):
        complete(path)
        with Tape.open(path) as tape:
            if [event.seq for event in tape.events()] != list(range(1, tape.head + 1)):
                return f"events are missing in {path.name}"
        if os.path.exists(folder_of(path)):
            return f"the log of {path.name} is left"
    paths = [one.relative_to(folder) for one in folder.rglob("*") if one.suffix != ".tape"]
    left = sorted(str(one) for one in paths if str(one) not in _MAY_STAY)
    return f"left behind: {left}" if left else ""
