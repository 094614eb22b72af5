"""What is taken note of where a script does something to files, without the hook, which could not be taken out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape import written
from gradb.tracer.process.writes import Writes
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.recorder import Recorder
from tests.tracer.recording import begin, end

pytestmark = pytest.mark.torch

_WRITE = os.O_WRONLY | os.O_CREAT


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """Return a recorder, which the test ends."""
    return begin(tmp_path / "run.tape", Gate(None, lambda head, request_seq: None))


def _told(recorder: Recorder, writes: Writes) -> written.Writes:
    with recorder.lock:
        writes.tell()
    end(recorder)
    with Tape.open(recorder.writer.path) as tape:
        return tape.writes


def test_it_is_bounded(recorder: Recorder, tmp_path: Path) -> None:
    """A script that writes a file in each iteration costs no more than so many of them; the others are counted."""
    writes = Writes(recorder, recorder.writer.path)
    for _ in range(2):
        for number in range(written.MOST + 7):
            writes.see("open", (f"{tmp_path}/{number}", "w", _WRITE))
    told = _told(recorder, writes)
    assert (len(told.kept), told.more) == (written.MOST, 7)


def test_gradbs_own_files_are_not_the_scripts(recorder: Recorder, tmp_path: Path) -> None:
    """The tape, its log, what Python compiles, and devices are none of what a script wrote."""
    writes = Writes(recorder, recorder.writer.path)
    for path in (
        tmp_path / "run.tape",
        tmp_path / "run.tape-log" / "1",
        tmp_path / "__pycache__" / "a.pyc",
        "/dev/shm",
    ):
        writes.see("open", (str(path), "w", _WRITE))
    assert _told(recorder, writes).kept == ()


def test_whatever_it_is_told_the_script_goes_on(recorder: Recorder, tmp_path: Path) -> None:
    """Descriptors, bytes, too few arguments, text that is no path: none of it raises."""
    writes = Writes(recorder, recorder.writer.path)
    for given in ((3, "w", _WRITE), (), ("a\0b", "w", _WRITE), (object(), "w", _WRITE), ("a", "w", None)):
        writes.see("open", given)
    writes.see("open", (os.fsencode(tmp_path / "b\udcff"), "w", _WRITE))
    (kept,) = _told(recorder, writes).kept
    assert kept.path == f"{tmp_path}/b\udcff"


def test_a_run_that_is_over_is_not_looked_at(recorder: Recorder, tmp_path: Path) -> None:
    """Nothing is found any more once the recording has ended, nor in a child of the script."""
    writes = Writes(recorder, recorder.writer.path)
    recorder.end("of a test")
    writes.see("open", (str(tmp_path / "late"), "w", _WRITE))
    assert not writes.is_open
    assert not writes._found
    recorder.writer.release()
