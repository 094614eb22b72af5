"""The tape as it is at a mark is kept, and another log goes on from there: together they are what one log would be."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gradb.log import marks, segments
from gradb.log.writer import LogWriter
from gradb.scribe import transcript
from gradb.scribe.tapes import complete, lay_out
from gradb.scribe.transcript import FACT, Transcript
from gradb.tape.writer import TapeWriter
from tests.unit.scribe.test_transcript import PLACE, rows


def _fact(path: str, key: str) -> Any:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT value FROM run WHERE key = ?", (key,)).fetchone()


def _begin(writer: LogWriter | TapeWriter) -> None:
    """Write what comes once."""
    writer.source("a.py", "x = 1\n")
    assert writer.series("loss", "loss", 1, 3) == 1


def _say(writer: LogWriter | TapeWriter, first: int, last: int) -> None:
    """Write some events, each with a row of other tables."""
    pen = writer.pen if isinstance(writer, LogWriter) else writer
    for number in range(first, last + 1):
        pen.tensor(number, number, None, 0)
        pen.name(number, number, f"x{number % 3}")
        pen.point(1, number, number, 0.5 * number)
        name = f"op{number % 5}"
        assert writer.event("op", name, PLACE, f'{{"n":{number}}}', b"data", iteration=number) == number


def _marked(path: Path) -> LogWriter:
    """Write a log of two halves with a mark in between, and leave it open."""
    lay_out(path, is_indexed=True)
    writer = LogWriter(path)
    writer.set_run(wrote_0000='[["/a", "opened", false]]')
    _begin(writer)
    _say(writer, 1, 30)
    writer.mark(7)
    return writer


def test_another_log_goes_on_from_a_mark(tmp_path: Path) -> None:
    """What was written before it is in both, and what came after it in the one alone that has written it."""
    path, other, whole = tmp_path / "t.tape", tmp_path / "o.tape", tmp_path / "w.tape"
    writer = _marked(path)
    _say(writer, 31, 40)
    with Transcript(path, keeps=True) as scribe:
        while scribe.advance():
            scribe.commit()
    assert os.listdir(marks.folder_of(path)) == ["7.tape"]
    assert marks.lay_out(str(path), 7, str(other)) == (os.stat(other).st_dev, os.stat(other).st_ino)
    assert _fact(str(other), FACT) is None
    assert _fact(str(other), "wrote_0000") is None
    writer.release()
    writer.go_on_at(other)
    writer.pen.head = 30
    _say(writer, 31, 35)
    writer.close()
    with Transcript(other) as scribe:
        scribe.finish()
    single = TapeWriter(whole)
    _begin(single)
    _say(single, 1, 35)
    single.close()
    found, wanted = rows(other), rows(whole)
    assert len(wanted["event"]) == 35
    assert found | {"run": []} == wanted | {"run": []}


def test_a_scribe_that_is_killed_at_a_mark_comes_to_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has kept in part is made anew."""
    path = tmp_path / "t.tape"
    writer = _marked(path)

    def dies(tape: str, number: int, read: str) -> None:
        Path(marks.part_of(tape, number)).parent.mkdir()
        Path(marks.part_of(tape, number)).write_text("a part")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, Transcript(path, keeps=True) as scribe:
        patch.setattr(transcript, "keep", dies)
        scribe.advance()
        with pytest.raises(KeyboardInterrupt):
            scribe.advance()
    writer.close()
    with Transcript(path, keeps=True) as scribe:
        scribe.finish()
    with closing(sqlite3.connect(marks.path_of(path, 7))) as db:
        assert db.execute("SELECT max(seq) FROM event").fetchone() == (30,)
    assert os.listdir(marks.folder_of(path)) == ["7.tape"]


def test_nothing_is_kept_where_a_tape_is_made_whole(tmp_path: Path) -> None:
    """Nobody could go on from there; and what a gradb has left that was killed is swept away."""
    path = tmp_path / "t.tape"
    writer = _marked(path)
    writer.close()
    marks.make(path)
    Path(marks.path_of(path, 1)).write_text("left")
    os.utime(segments.folder_of(path), (0, 0))
    complete(path)
    assert sorted(os.listdir(tmp_path)) == ["t.tape"]


def test_what_somebody_holds_is_not_swept_away(tmp_path: Path) -> None:
    """Nor is a folder that has anything else in it."""
    path = tmp_path / "t.tape"
    marks.make(path)
    Path(marks.path_of(path, 1)).write_text("kept")
    held = marks.hold(path)
    marks.sweep(path)
    assert os.listdir(marks.folder_of(path)) == ["1.tape"]
    os.close(held)
    Path(marks.folder_of(path), "theirs").touch()
    marks.sweep(path)
    assert sorted(os.listdir(marks.folder_of(path))) == ["1.tape", "theirs"]
    with pytest.raises(FileExistsError, match="no folder of gradb's"):
        marks.make(path)
    Path(marks.folder_of(path), "theirs").unlink()
    marks.sweep(path)
    assert os.listdir(tmp_path) == []
