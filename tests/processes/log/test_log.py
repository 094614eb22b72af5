"""Logs of processes that are killed or forked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradb.log import layouts, segments
from gradb.log.pen import MakePen, PythonPen
from gradb.log.reader import LogReader
from gradb.log.writer import LogWriter
from tests.unit.log.test_log import events, seqs, write

_KILLED = """
import sys
sys.path[:0] = {path!r}
from gradb.log.pen import PythonPen
from gradb.log.writer import LogWriter
from gradb.tracer.native.loading import standing
writer = LogWriter(sys.argv[1], PythonPen if sys.argv[2] == "Python" else standing().module.Pen)
print("begun", flush=True)
while True:
    seq = writer.head + 1
    writer.pen.tensor(seq, seq, None, 0)
    writer.event("op", "torch.f", (1, 2, 2, 0, 5), "[]", b"x" * (seq % 3000))
"""


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1])
def test_who_is_killed_loses_at_most_the_record_that_was_being_written(
    after: float, tmp_path: Path, make_pen: MakePen
) -> None:
    """All others are whole, and numbered without a gap; each with what was said of it before."""
    which = "Python" if make_pen is PythonPen else "C"
    code = _KILLED.format(path=[str(Path(layouts.__file__).parents[2])])
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run.tape"), which], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"begun\n"
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    child.stdout.close()
    found = list(LogReader(segments.folder_of(tmp_path / "run.tape")))
    written = seqs(found)
    assert written == list(range(1, len(written) + 1))
    assert [numbers[0] for layout, numbers, _ in found if layout is layouts.TENSOR] == written
    sizes = [len(parts[1] or b"") for layout, _, parts in found if layout is layouts.EVENT]
    assert sizes == [number % 3000 for number in written]


def test_a_forked_child_writes_nothing(tmp_path: Path, make_pen: MakePen) -> None:
    """The log is the parent's, whatever the child goes on to do."""
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    write(writer, 1)
    child = os.fork()
    if not child:
        writer.leak()
        write(writer, 2)
        writer.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    write(writer, 2)
    writer.close()
    assert [seq for seq, _ in events(writer.folder)] == [1, 2]
