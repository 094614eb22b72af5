from __future__ import annotations

import contextlib
import signal
import sqlite3
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.finish import finish
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.missing import Stopped
from gradb.tape.writer import TapeWriter
from tests.fakes import TapeBuilder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a tape without an end."""
    made = tmp_path / "cut.tape"
    with TapeBuilder(made) as builder:
        builder.leaf("a", [1.0])
        builder.iteration = 3
        builder.output("hello\n")
    return made


def _indexes(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> ''")}


def _unindexed(path: Path) -> TapeWriter:
    writer = TapeWriter(path, is_indexed=False)
    writer.event("note", "gradb", (None,) * 5, '["hello"]', None)
    writer.commit()
    assert _indexes(path) == set()
    return writer


def test_a_free_run_is_indexed_when_it_is_over(path: Path, tmp_path: Path) -> None:
    """A tape written without indexes has them all once it is closed, or finished after its writer was killed."""
    wanted = _indexes(path)
    assert wanted
    _unindexed(tmp_path / "closed.tape").close()
    assert _indexes(tmp_path / "closed.tape") == wanted
    killed = _unindexed(tmp_path / "killed.tape")
    assert [event.kind for event in Tape.open(tmp_path / "killed.tape").events()] == ["note"]
    finish(tmp_path / "killed.tape", None, int(signal.SIGKILL))
    assert _indexes(tmp_path / "killed.tape") == wanted
    killed._connection.close()


WAYS = {
    (3, None): ("exit code 3", "os._exit(3)"),
    (0, None): ("finished", "os._exit(0)"),
    (None, int(signal.SIGKILL)): ("killed by SIGKILL", "killed by SIGKILL"),
    (None, 99): ("killed by signal 99", "killed by signal 99"),
    (None, None): ("ended without notice", "ended without notice"),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_end_is_written(path: Path, way: tuple[int | None, int | None]) -> None:
    """A run that did not say how it ended gets an end event and a status that do."""
    status, reason = WAYS[way]
    assert finish(path, *way)
    with Tape.open(path) as tape:
        assert (tape.head, tape.is_finished, tape.run.status) == (3, True, status)
        assert tape.detail(3) == EndDetail(*way, reason)
        assert (tape.event(3).phase, tape.event(3).iteration) == ("end", 3)


def test_how_a_run_ended_that_could_not_be_heard_is_not_known(path: Path) -> None:
    """Only its exit code is, and where the recording ended."""
    assert finish(path, 5, None, stopped=Stopped(1, "the line was closed"))
    with Tape.open(path) as tape:
        assert tape.detail(tape.head) == EndDetail(5, None, "exit code 5")
        assert tape.run.stopped == Stopped(1, "the line was closed")


def test_what_was_printed_past_the_tracer_is_kept(path: Path) -> None:
    """Strays become output events before the end."""
    finish(path, None, int(signal.SIGSEGV), [("stderr", "Fatal \udcff\n"), ("stdout", "")])
    with Tape.open(path) as tape:
        assert tape.detail(3) == OutputDetail("stderr", "Fatal \udcff\n")
        assert [event.kind for event in tape.events()] == ["leaf", "output", "output", "end"]
        assert len(tape.frame(4).outputs) == 2


def test_an_end_that_is_there_stays_the_last(tmp_path: Path) -> None:
    """The tape of a run that ended in order gets strays only, before its end."""
    path = tmp_path / "t.tape"
    TapeBuilder.chain_rule_example(path)
    finish(path, 0, None, [("stdout", "from a child process\n")])
    with Tape.open(path) as tape:
        assert [event.kind for event in tape.events(17)] == ["backward_end", "output", "output", "end"]
        assert tape.run.status == "finished"


def test_finishing_twice_changes_nothing(path: Path) -> None:
    """The second call leaves the file as the first did."""
    finish(path, 3, None, [("stdout", "stray\n")])
    once = path.read_bytes()
    assert finish(path, None, 9, [("stdout", "more\n")])
    assert path.read_bytes() == once


@pytest.mark.parametrize("content", [b"", b"import torch\n" * 1000, None])
def test_what_is_no_tape_is_left_alone(tmp_path: Path, content: bytes | None) -> None:
    """A file that is no tape, or none at all, is neither changed nor made."""
    path = tmp_path / "x.tape"
    if content is not None:
        path.write_bytes(content)
    assert not finish(path, 0, None)
    assert path.exists() is (content is not None)
    assert content is None or path.read_bytes() == content
