"""A disk that does not take a tape's beginning, or its end."""

from __future__ import annotations

import contextlib
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.finish import finish
from gradb.tape.missing import Stopped
from gradb.tape.writer import TapeWriter

WHY = "the disk does not take it"


@contextlib.contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let no file of this process become larger than some bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 5_000, 50_000])
def test_nothing_is_left_of_a_tape_that_cannot_be_laid_out(size: int, tmp_path: Path) -> None:
    """Neither the file nor what SQLite makes beside it."""
    with no_file_above(size), pytest.raises(sqlite3.Error):
        TapeWriter(tmp_path / "run.tape")
    assert list(tmp_path.iterdir()) == []


def test_another_s_file_that_cannot_be_laid_out_stays(tmp_path: Path) -> None:
    """It was there before."""
    path = tmp_path / "run.tape"
    path.write_text("mine, and no database " * 100)
    with pytest.raises(sqlite3.Error):
        TapeWriter(path)
    assert path.read_text().startswith("mine")


def _cut_off(path: Path) -> None:
    """Leave a tape with one event, without indexes, as a full disk does."""
    writer = TapeWriter(path, is_indexed=False)
    writer.event("note", "gradb", (None,) * 5, '["hello"]', None)
    writer.commit()
    writer.release()


def _killed(path: Path, elsewhere: Path) -> None:
    """Leave a tape of which all is still in the log, as a writer that was killed does."""
    elsewhere.mkdir()
    writer = TapeWriter(elsewhere / path.name, is_indexed=False)
    for _ in range(60):
        writer.set_run(status="running")  # each time to the end of the log, which becomes longer than the file will be
    writer.event("note", "gradb", (None,) * 5, '["hello"]', None)
    writer.commit()
    for end in ("", "-wal"):
        shutil.copy(f"{elsewhere / path.name}{end}", f"{path}{end}")
    writer.release()


def test_an_end_that_has_no_room_in_the_log_is_written_to_the_file(tmp_path: Path) -> None:
    """The tape is whole, in one file."""
    folder = tmp_path / "full"
    folder.mkdir()
    path = folder / "run.tape"
    _killed(path, tmp_path / "elsewhere")
    with no_file_above(Path(f"{path}-wal").stat().st_size):
        assert finish(path, 3, None, stopped=Stopped(1, WHY))
    with Tape.open(path) as tape:
        assert [event.kind for event in tape.events()] == ["note", "end"]
        assert tape.run.stopped == Stopped(1, WHY)
    assert [one.name for one in folder.iterdir()] == ["run.tape"]


def test_a_tape_without_room_for_its_end_says_why_it_has_none(tmp_path: Path) -> None:
    """That takes no more room than there is, and leaves one file."""
    path = tmp_path / "run.tape"
    _cut_off(path)
    with no_file_above(path.stat().st_size):
        assert not finish(path, 3, None, [("stdout", "x" * 400_000)], Stopped(1, WHY))
    with Tape.open(path) as tape:
        assert [event.kind for event in tape.events()] == ["note"]
        assert tape.run.stopped == Stopped(1, WHY)
    assert [one.name for one in tmp_path.iterdir()] == ["run.tape"]


def test_a_tape_whose_indexes_do_not_fit_is_whole(tmp_path: Path) -> None:
    """They make it quick to read, and say nothing: no recording ends for want of them."""
    path = tmp_path / "run.tape"
    writer = TapeWriter(path, is_indexed=False)
    for number in range(1000):
        writer.event("note", f"note {number}", (None,) * 5, f'["{number}"]', None)
    writer.commit()
    with no_file_above(path.stat().st_size):
        writer.close()
    with Tape.open(path) as tape:
        assert (tape.head, "999" in repr(tape.detail(1000))) == (1000, True)
