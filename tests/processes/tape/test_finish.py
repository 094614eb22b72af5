"""What a tape has whose writer was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from gradb.frame.reader import Tape
from gradb.tape.finish import finish

KILLED = """
import os, signal, sys
from gradb.tape.writer import TapeWriter
from tests.fakes import TapeBuilder
builder = TapeBuilder(sys.argv[1])
for number in range(200):
    builder.output(f"{number}\\n")
    builder.commit()
builder.output("not committed\\n")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_kill_9_everything_committed_is_there(tmp_path: Path) -> None:
    """A killed writer leaves a log; the tape reads whole before and after it is finished, then in one file."""
    path = tmp_path / "t.tape"
    source = Path(sys.modules["tests.fakes"].__file__ or "").parents[2]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "t.tape-wal").stat().st_size > 0
    with Tape.open(path) as tape:
        assert (tape.head, tape.is_partial) == (200, True)
        assert len(tape.frame(200).outputs) == 200
    finish(path, None, int(signal.SIGKILL))
    assert [item.name for item in tmp_path.iterdir()] == ["t.tape"]
    with Tape.open(path) as tape:
        assert (tape.head, tape.is_partial) == (201, False)
