"""A forked child has descriptors of its own: nothing that is done with them is seen by the other."""

from __future__ import annotations

import multiprocessing
import os
import pty
import select
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gradb.tracer.checkpoints import descriptors, opened
from gradb.tracer.checkpoints.descriptors import CannotShare, Private, take
from tests.forked import ANSWER, in_child

pytestmark = pytest.mark.skipif(not os.path.isdir(opened.OWN), reason="Linux lists descriptors there")


@pytest.fixture
def ours() -> frozenset[int]:
    """Return what the tests' own process has open."""
    return frozenset(opened.numbers()) - {0, 1, 2}


@pytest.fixture
def opens() -> Iterator[Callable[..., int]]:
    """Return a function that opens a file, for as long as the test lasts."""
    with ExitStack() as stack:

        def open_(path: Path, flags: int = os.O_RDONLY) -> int:
            fd = os.open(path, flags, 0o600)
            stack.callback(os.close, fd)
            return fd

        yield open_


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return the child's folder."""
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def _in_child(private: Private, ours: frozenset[int], work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns in a child that has its own descriptors; the parent lets go of them."""

    def settled() -> Any:
        private.settle({}, ours | {ANSWER})
        return work()

    try:
        return in_child(settled)
    finally:
        private.release()


def test_who_reads_does_not_move_the_other(tmp_path: Path, own: Path, ours: frozenset[int], opens: Any) -> None:
    """Both go on where the parent was, though each of them reads what the other has read."""
    (tmp_path / "data").write_text("abcdefghi")
    fd = opens(tmp_path / "data")
    assert os.read(fd, 3) == b"abc"
    private = take(str(own), ours)
    assert os.read(fd, 2) == b"de"  # after the moment that is meant, before the child begins
    assert _in_child(private, ours, lambda: os.read(fd, 3).decode()) == "def"
    assert os.read(fd, 9) == b"fghi"


def test_a_handle_of_pythons_goes_on_too(tmp_path: Path, own: Path, ours: frozenset[int]) -> None:
    """With what it has in its buffer, and behind that."""
    (tmp_path / "data").write_text("".join(f"{n:07}\n" for n in range(4000)))
    with open(tmp_path / "data", encoding="utf-8") as file:
        for _ in range(5):
            file.readline()
        private = take(str(own), ours)
        found = _in_child(private, ours, file.readlines)
        assert len(found) == 3995
        assert file.readlines() == found


@pytest.mark.parametrize("mode", ["w", "a", "r+", "w+"])
def test_who_writes_writes_to_a_copy(tmp_path: Path, own: Path, ours: frozenset[int], mode: str) -> None:
    """The copy has what the file had, and what is written goes on from there; each has only its own."""
    path = tmp_path / "log"
    path.write_text("before\n")
    with open(path, mode, encoding="utf-8") as file:
        file.write("parent\n")
        file.flush()
        was = path.read_text()
        file.write("buffered\n")
        private = take(str(own), ours)

        def work() -> str:
            file.write("child\n")
            file.flush()
            return Path(f"{opened.OWN}/{file.fileno()}").read_text()

        found = _in_child(private, ours, work)
        file.write("more\n")
    assert path.read_text().startswith(was)
    assert path.read_text().replace("more\n", "child\n") == found


def test_a_reader_sees_what_the_writer_of_the_same_file_writes(
    tmp_path: Path, own: Path, ours: frozenset[int], opens: Any
) -> None:
    """The child's reads what the child has written, and not what the parent has."""
    writer, reader = opens(tmp_path / "log", os.O_WRONLY | os.O_CREAT), opens(tmp_path / "log")
    private = take(str(own), ours)
    os.write(writer, b"parent")

    def work() -> str:
        os.write(writer, b"kid")
        return os.read(reader, 9).decode()

    assert _in_child(private, ours, work) == "kid"
    assert os.read(reader, 9) == b"parent"


def test_descriptors_of_one_open_file_stay_of_one(tmp_path: Path, own: Path, ours: frozenset[int], opens: Any) -> None:
    """Where one of the two reads the other goes on; one that was opened by itself does not."""
    (tmp_path / "data").write_text("abcdef")
    one, alone = opens(tmp_path / "data"), opens(tmp_path / "data")
    copy = os.dup(one)
    private = take(str(own), ours)
    try:
        found = _in_child(private, ours, lambda: [os.read(fd, 2).decode() for fd in (one, copy, alone)])
    finally:
        os.close(copy)
    assert found == ["ab", "cd", "ab"]


def test_a_file_that_is_removed_is_still_there(tmp_path: Path, own: Path, ours: frozenset[int], opens: Any) -> None:
    """Before the fork or after it, with a name or without one from the beginning."""
    (tmp_path / "data").write_text("abc")
    fd = opens(tmp_path / "data")
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        file.write(b"xyz")
        file.seek(0)
        (tmp_path / "data").unlink()
        private = take(str(own), ours)
        assert _in_child(private, ours, lambda: [os.read(fd, 3).decode(), file.read().decode()]) == ["abc", "xyz"]
        assert file.read() == b"xyz"


def test_what_another_thread_has_closed_meanwhile_is_passed_over(
    tmp_path: Path, own: Path, ours: frozenset[int], opens: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at the folder of the log now and then."""
    (tmp_path / "data").write_text("abc")
    gone, fd = os.open(tmp_path, os.O_RDONLY), opens(tmp_path / "data")
    found = opened.look(ours)
    os.close(gone)
    monkeypatch.setattr(descriptors, "look", lambda ours: found)
    private = take(str(own), ours)
    assert {place.number for one in private.own for place in one.places} - {0} == {fd}
    private.release()


def test_the_folder_of_the_log_is_not_the_scripts(tmp_path: Path, own: Path, ours: frozenset[int], opens: Any) -> None:
    """Gradb's own thread may look at it just then: who goes on later, when it is gone, has no use for it."""
    (tmp_path / "log").mkdir()
    (tmp_path / "other").symlink_to(tmp_path)
    folder, segment = opens(tmp_path / "log"), opens(tmp_path / "log" / "1", os.O_RDWR | os.O_CREAT)
    beside = opens(tmp_path / "log2", os.O_RDONLY | os.O_CREAT)
    private = take(str(own), ours, log=str(tmp_path / "other" / "log"))
    there = {place.number for one in private.own for place in one.places}
    assert beside in there
    assert not {folder, segment} & there
    assert not _in_child(private, ours, lambda: [fd for fd in (folder, segment) if fd in opened.numbers()])


def test_nothing_else_is_open(tmp_path: Path, own: Path, ours: frozenset[int], opens: Any) -> None:
    """But for what is to stay; what programs inherit is inherited as before, and the parent has what it had."""
    (tmp_path / "data").write_text("abc")
    fd, null = opens(tmp_path / "data"), opens(Path(os.devnull))
    os.set_inheritable(fd, True)
    before = opened.numbers()
    private = take(str(own), ours)

    def work() -> list[Any]:
        return [sorted(set(opened.numbers()) - ours), os.get_inheritable(fd), os.get_inheritable(null)]

    found, *inherited = _in_child(private, ours, work)
    assert {0, 1, 2, fd, null} <= set(found)
    assert len(found) <= 7  # and the answer's, and that by which they were listed
    assert inherited == [True, False]
    assert opened.numbers() == before


def test_streams_and_copies_of_them_become_others(tmp_path: Path, own: Path, ours: frozenset[int], opens: Any) -> None:
    """What the child prints goes where it is told to, by a descriptor that was kept aside as well."""
    target = opens(tmp_path / "told", os.O_WRONLY | os.O_CREAT)
    readable, writable = os.pipe()

    def work() -> str:
        os.dup2(writable, 1)
        os.close(readable)
        os.close(writable)
        saved = os.dup(1)
        kept = ours | {target, ANSWER}
        take(str(own), kept).settle({1: target}, kept)
        for fd, text in ((1, b"one "), (saved, b"two"), (2, b"nothing")):
            os.write(fd, text)
        return (tmp_path / "told").read_text()

    try:
        assert in_child(work) == "one two"
    finally:
        os.close(readable)
        os.close(writable)


def test_too_much_to_copy_is_refused(
    tmp_path: Path, own: Path, ours: frozenset[int], opens: Any, monkeypatch: Any
) -> None:
    """By size and name, and nothing is left of what was made until then."""
    monkeypatch.setattr(descriptors, "_CLONE", 0)
    (tmp_path / "small").write_bytes(bytes(10))
    (tmp_path / "large").write_bytes(bytes(1000))
    opens(tmp_path / "small", os.O_RDWR)
    opens(tmp_path / "large", os.O_RDWR)
    before = opened.numbers()
    with pytest.raises(CannotShare, match=r"large is open for writing, and too large to be copied \(1,000 bytes\)"):
        take(str(own), ours, 1005)
    assert (opened.numbers(), list(own.iterdir())) == (before, [])
    take(str(own), ours, 1010).discard()
    assert (opened.numbers(), list(own.iterdir())) == (before, [])


def _pipe(folder: Path, keep: ExitStack) -> None:
    for fd in os.pipe():
        keep.callback(os.close, fd)


def _terminal(folder: Path, keep: ExitStack) -> None:
    one, other = pty.openpty()
    keep.callback(os.close, one)
    os.dup2(other, one)
    os.close(other)


def _database(folder: Path, keep: ExitStack) -> None:
    database = sqlite3.connect(folder / "x.db")
    keep.callback(database.close)
    database.execute("create table t (x)")


def _file_of_the_kernel(folder: Path, keep: ExitStack) -> None:
    keep.callback(os.close, os.open("/proc/self/comm", os.O_WRONLY))


KINDS: dict[str, tuple[Callable[[Path, ExitStack], object], str]] = {
    "pipe": (_pipe, r"a pipe is open \(descriptor \d+\)"),
    "socket": (lambda folder, keep: keep.enter_context(socket.socket()), r"a socket is open"),
    "terminal": (_terminal, r"a terminal is open"),
    "poll": (lambda folder, keep: keep.enter_context(select.epoll()), r"anon_inode:\[eventpoll\] is open"),
    "database": (_database, r"an SQLite database is open \(.*/x\.db\)"),
    "kernel": (_file_of_the_kernel, r"/proc/.*/comm is open for writing"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_child_can_have_is_refused(tmp_path: Path, own: Path, ours: frozenset[int], kind: str) -> None:
    """With what it is, and where."""
    make, why = KINDS[kind]
    with ExitStack() as keep:
        make(tmp_path, keep)
        with pytest.raises(CannotShare, match=why):
            take(str(own), ours)


def test_a_lock_between_processes_is_a_childs_own(own: Path, ours: frozenset[int]) -> None:
    """As one of tqdm's bars: who takes it, and is killed, does not keep the other from it."""
    lock = multiprocessing.Lock()
    private = take(str(own), ours)
    assert _in_child(private, ours, lambda: [lock.acquire(timeout=1), lock.acquire(timeout=0.01)]) == [True, False]
    assert lock.acquire(timeout=1)


def test_a_file_that_has_changed_meanwhile_is_told(tmp_path: Path, own: Path, ours: frozenset[int], opens: Any) -> None:
    """A child that has waited cannot go on with another content; with its copies it can."""
    (tmp_path / "data").write_text("abc")
    opens(tmp_path / "data")
    opens(tmp_path / "log", os.O_WRONLY | os.O_CREAT)

    def work() -> list[str | None]:
        (tmp_path / "log").write_text("changed")
        before = private.why_stale()
        (tmp_path / "data").write_text("abcd")
        return [before, private.why_stale()]

    private = take(str(own), ours)
    before, after = _in_child(private, ours, work)
    assert before is None
    assert after == f"{tmp_path / 'data'}, which the script reads, was changed meanwhile"
