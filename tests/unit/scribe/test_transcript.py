"""A tape that is made of a log is the tape that would have been written at once; whatever stops the scribe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gradb.frame.reader import Tape
from gradb.log import reader as reading, segments
from gradb.log.layouts import DamageError
from gradb.log.pen import Spot
from gradb.log.writer import LogWriter
from gradb.scribe.tapes import complete, lay_out
from gradb.scribe.transcript import FACT, TakenError, Transcript, transcribe
from gradb.tape import trouble
from gradb.tape.descriptors import FileLost
from gradb.tape.writer import TapeWriter
from tests.fakes.flat import flatten
from tests.properties import tried

PLACE = (1, 2, 2, 0, 5)
EVENTS = 400
_CUT = {"chunk", "site", "block", "apart"}


CALLS = ((0, PLACE, "<module>", 0, ""), (1, PLACE, "main", 3, "torch, lightning"))


class _Sited(tuple[int, int, int, int, int]):
    __slots__ = ()
    spot = Spot(PLACE, (2, 17), len(CALLS))


def write_calls(writer: LogWriter | TapeWriter) -> None:
    """Write the calls that lead to a place."""
    for number, (outer, place, function, others, packages) in enumerate(CALLS, 1):
        if isinstance(writer, LogWriter):
            assert writer.stack(outer, place, function, others, packages) == number
        else:
            writer.events.stacks.append((number, outer, others, *place, function, packages))


def write(writer: LogWriter | TapeWriter, count: int = EVENTS) -> None:
    """Write rows of every table."""
    writer.set_run(script="a.py", title="n\udcffo")
    writer.source("a.py", "x = 1\n")
    writer.source("library.py", None)
    write_calls(writer)
    loss, rate = writer.series("loss", "loss", 1, 3), writer.series("learning_rate", "Adam")
    pen = writer.pen if isinstance(writer, LogWriter) else writer
    for number in range(1, count + 1):
        seq = writer.head + 1
        pen.node(number, f"Node{number % 5}", seq, "builtin", number % 2 == 0, None, [(None, 0), (number - 1, 1)])
        pen.tensor(number, seq, number if number % 3 else None, 0)
        pen.name(number, seq, f"name {number % 9}")
        writer.remark(number, seq, "made_by", str(number))
        if number % 4 == 0:
            writer.record_saved(number, '["saved"]', b"saved" * 40)
            writer.record_used(number, seq, '["used"]', None)
            pen.grad(number, seq, 2, 1)
            writer.missing(seq, "names", "an error", "values")
            writer.touched.append((number, seq))
        pen.point(loss, seq, number, 1 / number)
        if number % 7 == 0:
            pen.point(rate, seq, number, 0.1)
        place: Any = PLACE
        called: dict[str, Any] = {}
        if number % 6 == 0:
            place = _Sited(PLACE)
            if isinstance(writer, TapeWriter):
                writer.libraries.append((seq, *(_Sited.spot.library or ())))
                called = {"stack": _Sited.spot.stack}
        writer.event(
            "op", f"torch.f{number % 40}", place, f'["detail {number}"]', bytes([number % 256]) * (number % 50),
            scope=f"layer{number % 3}", iteration=1 + number // 9, node=None if number % 8 == 0 else number,
            flags=number % 4, thread=number % 2, **called,
        )  # fmt: skip
    writer.renumber(5, [1, 1, 2])


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a tape; how its details and series were cut into blocks and chunks says nothing."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        flatten(db)
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names if name not in _CUT}
        points: dict[int, list[bytes]] = {}
        for series, *packed in db.execute("SELECT series, events, iterations, numbers FROM chunk ORDER BY id"):
            held = points.setdefault(series, [b"", b"", b""])
            points[series] = [have + more for have, more in zip(held, packed, strict=True)]
    found["run"] = [row for row in found["run"] if row[0] != FACT]
    return found | {"points": sorted((series, *packed) for series, packed in points.items())}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """Give the rows of the tape as it is written at once."""
    path = tmp_path_factory.mktemp("wanted") / "run.tape"
    with contextlib.closing(TapeWriter(path)) as writer:
        write(writer)
    return rows(path)


def test_the_tape_of_a_log_is_what_would_have_been_written(
    wanted: dict[str, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    """Row by row, in every table; no log is left, and the tape is one file."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=False)
    writer = LogWriter(path)
    write(writer)
    writer.close()
    transcribe(path)
    assert rows(path) == wanted
    assert [one.name for one in tmp_path.iterdir()] == ["run.tape"]
    with Tape.open(path) as tape:
        assert tape.head == EVENTS


@tried(0.6)
@given(stops=st.lists(st.integers(1, 120), max_size=8), is_committed=st.booleans(), data=st.data())
def test_whoever_stops_the_scribe_it_goes_on_where_it_was(
    wanted: dict[str, list[tuple[Any, ...]]],
    tmp_path_factory: pytest.TempPathFactory,
    stops: list[int],
    is_committed: bool,
    data: st.DataObject,
) -> None:
    """Stopped after any number of records, with or without a commit, again and again: the tape is the same."""
    path = tmp_path_factory.mktemp("resumed") / "run.tape"
    lay_out(path, is_indexed=False)
    writer = LogWriter(path)
    write(writer)
    writer.close()
    for batch in stops:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "_CHUNK", 64 * batch)
            with Transcript(path) as transcript:
                transcript.advance()
                if data.draw(st.booleans()):
                    transcript.commit()
                    transcript.advance()
                if is_committed:
                    transcript.commit()
    transcribe(path)
    assert rows(path) == wanted


def test_a_log_is_read_by_one_at_a_time(tmp_path: Path) -> None:
    """The second is refused; whoever only looks at the tape leaves the log as it is."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=True)
    writer = LogWriter(path)
    write(writer, 10)
    with Transcript(path) as transcript:
        with pytest.raises(TakenError):
            Transcript(path)
        complete(path)
        transcript.advance()
        transcript.commit()
    writer.close()
    assert segments.numbers_in(writer.folder)
    complete(path)
    with Tape.open(path) as tape:
        assert tape.head == 10
    assert not os.path.exists(writer.folder)


def _remove(path: Path) -> Callable[[], None]:
    path.unlink()
    return lambda: None


def _replace(path: Path) -> Callable[[], None]:
    path.rename(path.with_suffix(".moved"))
    TapeWriter(path).close()
    return lambda: None


def _lock(path: Path) -> Callable[[], None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other.close


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (_lock, "another program has locked it"),
        (_remove, "its file was removed or moved away"),
        (_replace, "another file is in its place"),
    ],
)
def test_a_tape_that_fails_says_why(act: Callable[[Path], Callable[[], None]], why: str, tmp_path: Path) -> None:
    """In words that name no part of gradb; what was written stays, and another file in its place is not touched."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=True)
    writer = LogWriter(path)
    write(writer, 10)
    with Transcript(path) as transcript:
        transcript.tape._connection.execute("PRAGMA busy_timeout = 1")
        transcript.advance()
        transcript.commit()
        write_more(writer)
        undo = act(path)
        before = path.read_bytes() if act is _replace else b""
        transcript.advance()
        with pytest.raises((sqlite3.Error, FileLost)) as raised:
            transcript.commit()
        transcript.stop(why)
        assert trouble.why(raised.value) == why
        assert transcript.head == 10
        undo()
    assert act is not _replace or path.read_bytes() == before


def write_more(writer: LogWriter) -> None:
    writer.event("note", "gradb", PLACE, '["more"]', None)
    writer.release()


@pytest.mark.parametrize("act", [_remove, _replace])
def test_a_tape_that_is_another_from_the_first_is_not_written(
    act: Callable[[Path], Callable[[], None]], tmp_path: Path
) -> None:
    """The scribe is told which file it is to write."""
    path = tmp_path / "run.tape"
    file = lay_out(path, is_indexed=True)
    LogWriter(path).close()
    act(path)
    with pytest.raises(FileLost):
        Transcript(path, file)


@given(st.data())
@tried(1.6)
def test_a_stranger_s_log_makes_a_tape_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever lies in it: no other error, and what was on the tape is there and opens."""
    path = tmp_path_factory.mktemp("strange") / "run.tape"
    lay_out(path, is_indexed=True)
    writer = LogWriter(path)
    write(writer, 6)
    writer.close()
    segment = Path(segments.path_of(writer.folder, 1))
    changed = bytearray(segment.read_bytes())
    used = len(bytes(changed).rstrip(b"\0"))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, used))] = data.draw(st.integers(0, 255))
    segment.write_bytes(changed)
    with contextlib.suppress(DamageError, sqlite3.Error, FileLost), Transcript(path) as transcript:
        transcript.finish()
    complete(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_tape_that_was_left_in_two_files_is_one_once_it_is_opened(tmp_path: Path) -> None:
    """What was killed between the last commit and the end has left it so; while somebody writes, it stays."""
    path = tmp_path / "run.tape"
    writer = TapeWriter(path)
    writer.event("note", "gradb", PLACE, '["one"]', None)
    writer.commit()
    complete(path)
    assert (tmp_path / "run.tape-wal").exists()
    reader = sqlite3.connect(path)
    reader.execute("SELECT * FROM event").fetchall()
    writer.close()
    reader.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    assert path.read_bytes()[18] == 2
    complete(path)
    assert path.read_bytes()[18] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["run.tape"]


def test_a_lock_that_nobody_holds_is_removed(tmp_path: Path) -> None:
    """That of a recorder which is alive stays."""
    path, lock = tmp_path / "run.tape", tmp_path / "run.tape-lock"
    TapeWriter(path).close()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        complete(path)
        assert lock.exists()
    complete(path)
    assert not lock.exists()


def test_a_scribe_that_was_killed_at_the_very_end_is_followed_by_one_that_is_done(tmp_path: Path) -> None:
    """All was on the tape, and only the log was left to be removed."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=True)
    writer = LogWriter(path)
    write(writer, 10)
    writer.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "remove", lambda folder: None)
        transcribe(path)
    before = rows(path)
    with Transcript(path) as transcript:
        assert transcript.is_done
        transcript.finish()
    assert rows(path) == before
    assert [one.name for one in tmp_path.iterdir()] == ["run.tape"]


def test_a_log_that_is_being_recorded_is_left_to_its_scribe(tmp_path: Path) -> None:
    """Though none is at it at the moment: who records has claimed it."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=True)
    claimed = segments.claim(segments.folder_of(path))
    writer = LogWriter(path)
    write(writer, 10)
    complete(path)
    assert segments.numbers_in(writer.folder) == [1]
    os.close(claimed)
    writer.close()
    complete(path)
    assert not os.path.exists(writer.folder)


def test_a_log_that_vanished_before_it_was_read_is_missed(tmp_path: Path) -> None:
    """Nothing is known of what was in it; one that was begun to be read is read to its end."""
    for is_read in (False, True):
        path = tmp_path / f"run{is_read}.tape"
        lay_out(path, is_indexed=True)
        writer = LogWriter(path)
        with Transcript(path) as transcript:
            if is_read:
                transcript.advance()
            write(writer, 10)
            segments.remove(writer.folder)
            writer.close()
            if is_read:
                transcript.finish()
                assert transcript.head == 10
            else:
                with pytest.raises(FileLost):
                    transcript.finish()


def test_paths_that_are_stored_alike_are_one_source(tmp_path: Path) -> None:
    """What comes after them has its own file."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=True)
    writer = LogWriter(path)
    for name in ("a\udc80.py", "a\udc81.py", "third.py"):
        place = (writer.source(name, None), 1, 1, 0, 1)
        writer.event("note", "gradb", place, '["said"]', None)
    writer.close()
    transcribe(path)
    with Tape.open(path) as tape:
        assert [event.file for event in tape.events()] == ["a?.py", "a?.py", "third.py"]


@pytest.mark.parametrize("age", [0, 60])
def test_an_empty_folder_of_a_log_goes_once_nobody_can_be_about_to_use_it(age: int, tmp_path: Path) -> None:
    """Who was killed before the first record, or while the log was removed, leaves one."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=True)
    folder = Path(segments.folder_of(path))
    os.close(segments.claim(str(folder)))
    os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    complete(path)
    assert folder.exists() is (age == 0)
    assert age == 0 or [one.name for one in tmp_path.iterdir()] == ["run.tape"]


def test_who_goes_on_after_the_end_was_read_reads_no_record_twice(
    wanted: dict[str, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    """A scribe may be killed between the writer's end and its own."""
    path = tmp_path / "run.tape"
    lay_out(path, is_indexed=False)
    writer = LogWriter(path)
    write(writer)
    writer.close()
    with Transcript(path) as transcript:
        while transcript.advance():
            transcript.commit()
        assert transcript.is_closed
    transcribe(path)
    assert rows(path) == wanted
