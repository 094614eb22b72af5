"""A tape's file that fails under the recorder: one reason in plain words, and what was written stays."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.writer import TapeWriter
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.recorder import Recorder

NOWHERE = (None, None, None, None, None)


def begun(path: Path, told: list[tuple[int, str]]) -> Recorder:
    """Return a recorder with two events on its tape, which takes down why it has ended."""
    recorder = Recorder(TapeWriter(path), Gate(None, lambda head, request_seq: None))
    recorder.writer._connection.execute("PRAGMA busy_timeout = 1")
    recorder.observer.stopped.listen(lambda event, why: told.append((event, why)))
    for text in ("one", "two"):
        recorder.note(text)
    recorder.write()
    return recorder


def lock(path: Path) -> Callable[[], None]:
    """Have another connection hold the tape, until what is returned is called."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other.close


def remove(path: Path) -> Callable[[], None]:
    path.unlink()
    return lambda: None


def replace(path: Path) -> Callable[[], None]:
    path.rename(path.with_suffix(".moved"))
    TapeWriter(path).close()
    return lambda: None


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lock, "another program has locked it"),
        (remove, "its file was removed or moved away"),
        (replace, "another file is in its place"),
    ],
)
def test_a_recording_whose_file_fails_says_why(
    tmp_path: Path, act: Callable[[Path], Callable[[], None]], why: str
) -> None:
    """It ends once, in words that name no part of gradb; later events cost nothing."""
    told: list[tuple[int, str]] = []
    path = tmp_path / "run.tape"
    recorder = begun(path, told)
    undo = act(path)
    for text in ("three", "four"):
        recorder.note(text)
        recorder.write()
    undo()
    recorder.writer.release()
    recorder.writer.release()
    assert told == [(2, f"the tape cannot be written any more: {why}")]


def test_a_tape_that_was_locked_keeps_what_was_written(tmp_path: Path) -> None:
    """Two events are on it, and it opens."""
    recorder = begun(tmp_path / "run.tape", [])
    undo = lock(tmp_path / "run.tape")
    recorder.note("three")
    recorder.write()
    undo()
    recorder.writer.release()
    with Tape.open(tmp_path / "run.tape") as tape:
        assert tape.head == 2


def test_another_s_tape_in_the_place_of_ours_is_not_touched(tmp_path: Path) -> None:
    """Not a byte of it changes."""
    path = tmp_path / "run.tape"
    recorder = begun(path, [])
    replace(path)
    before = path.read_bytes()
    recorder.note("three")
    recorder.write()
    recorder.writer.release()
    assert path.read_bytes() == before


def test_a_script_that_changes_folder_does_not_lose_its_tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path relative to the folder in which it was opened still means that file."""
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(TapeWriter("run.tape")) as writer:
        os.mkdir("elsewhere")
        os.chdir("elsewhere")
        writer.event("note", "gradb", NOWHERE, '["one"]', None)
        writer.commit()
        assert writer.committed == 1
