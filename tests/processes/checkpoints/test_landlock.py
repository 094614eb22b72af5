"""A process that is confined writes into its own folder alone."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.tracer.checkpoints import calls, landlock
from tests.forked import in_child

pytestmark = pytest.mark.skipif(landlock.why_not() is not None, reason="the kernel has no Landlock of version 3")


def _outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except OSError as error:
        return type(error).__name__
    except sqlite3.Error as error:
        return type(error).__name__
    return "done"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return the child's own folder and the script's, which has a file and a folder in it."""
    own, others = tmp_path / "own", tmp_path / "others"
    own.mkdir()
    (others / "folder").mkdir(parents=True)
    (others / "file").write_text("as it was")
    return own, others


WAYS: dict[str, Callable[[Path], object]] = {
    "write": lambda folder: (folder / "file").write_text("changed"),
    "append": lambda folder: (folder / "file").open("a"),
    "truncate": lambda folder: os.truncate(folder / "file", 0),
    "make a file": lambda folder: (folder / "new").open("x"),
    "make a folder": lambda folder: (folder / "new").mkdir(),
    "make a pipe": lambda folder: os.mkfifo(folder / "new"),
    "remove": lambda folder: (folder / "file").unlink(),
    "remove a folder": lambda folder: (folder / "folder").rmdir(),
    "move": lambda folder: (folder / "file").rename(folder / "new"),
    "link": lambda folder: (folder / "new").hardlink_to(folder / "file"),
    "link by name": lambda folder: (folder / "new").symlink_to("file"),
    "permissions": lambda folder: (folder / "file").chmod(0o600),
    "owner": lambda folder: os.chown(folder / "file", os.getuid(), os.getgid()),
    "times": lambda folder: os.utime(folder / "file", (0, 0)),
    "attributes": lambda folder: os.setxattr(folder / "file", "user.gradb", b"1"),
    "lock": lambda folder: fcntl.flock(os.open(folder / "file", os.O_RDONLY), fcntl.LOCK_EX),
    "lock a part": lambda folder: fcntl.lockf(os.open(folder / "file", os.O_RDONLY), fcntl.LOCK_SH),
    "a file without a name": lambda folder: os.open(folder, os.O_TMPFILE | os.O_RDWR),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_the_scripts_is_changed(folders: tuple[Path, Path], way: str) -> None:
    """Whatever is tried is a PermissionError, and all is as it was."""
    own, others = folders
    before = [(path, path.stat()[:7], path.stat().st_mtime_ns) for path in sorted(others.rglob("*"))]

    def work() -> str:
        landlock.confine([str(own)])
        return _outcome(lambda: WAYS[way](others))

    assert in_child(work) == "PermissionError"
    assert [(path, path.stat()[:7], path.stat().st_mtime_ns) for path in sorted(others.rglob("*"))] == before
    assert (others / "file").read_text() == "as it was"


def test_its_own_folder_and_the_null_device_are_written(folders: tuple[Path, Path]) -> None:
    """Reading stays as it is everywhere; its own folder takes files, folders and a database... none of it elsewhere."""
    own, others = folders

    def work() -> list[str]:
        landlock.confine([str(own)])
        (own / "deep").mkdir()
        (own / "deep" / "file").write_text("mine")
        (own / "deep" / "file").rename(own / "file")
        (own / "file").unlink()
        Path(os.devnull).write_text("nothing")
        return [(others / "file").read_text(), *os.listdir(others)]

    assert sorted(in_child(work)) == ["as it was", "file", "folder"]


def test_a_database_can_neither_be_written_nor_locked(folders: tuple[Path, Path]) -> None:
    """A reader would hold up the script that writes."""
    own, others = folders
    with sqlite3.connect(others / "x.db") as database:
        database.execute("create table t (x)")
    database.close()

    def work() -> str:
        landlock.confine([str(own)])
        return _outcome(lambda: sqlite3.connect(others / "x.db", timeout=0).execute("select * from t").fetchall())

    assert in_child(work) == "OperationalError"


def test_no_socket_is_made(folders: tuple[Path, Path]) -> None:
    """But for a pair, which leads nowhere else."""

    def work() -> list[str]:
        landlock.confine([str(folders[0])])
        one, other = socket.socketpair()
        one.send(b"x")
        network, local = (
            _outcome(lambda: socket.socket(socket.AF_INET)),
            _outcome(lambda: socket.socket(socket.AF_UNIX)),
        )
        return [other.recv(1).decode(), network, local]

    assert in_child(work) == ["x", "PermissionError", "PermissionError"]


@pytest.mark.skipif(landlock.abi() < 6, reason="the kernel lets signals pass")
def test_no_signal_reaches_the_script(folders: tuple[Path, Path]) -> None:
    """Though its own children can be ended."""

    def work() -> list[str]:
        landlock.confine([str(folders[0])])
        outside = _outcome(lambda: os.kill(os.getppid(), signal.SIGCONT))
        if not (child := os.fork()):
            signal.pause()
        os.kill(child, signal.SIGKILL)
        return [outside, str(os.waitpid(child, 0)[1])]

    assert in_child(work) == ["PermissionError", str(int(signal.SIGKILL))]


def test_what_it_starts_is_confined_too(folders: tuple[Path, Path]) -> None:
    """A program that it starts cannot do more."""
    own, others = folders

    def work() -> int:
        landlock.confine([str(own)])
        code = f"open({str(others / 'file')!r}, 'w')"
        return os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-S", "-c", f"{code}"])

    assert in_child(work) != 0
    assert (others / "file").read_text() == "as it was"


def test_it_can_be_confined_further(folders: tuple[Path, Path]) -> None:
    """A second time narrows what the first has left."""
    own, others = folders

    def work() -> list[str]:
        landlock.confine([str(own), str(others)])
        landlock.confine([str(own)])
        return [_outcome(lambda: (others / "file").write_text("x")), _outcome(lambda: (own / "file").write_text("x"))]

    assert in_child(work) == ["PermissionError", "done"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Nothing is confined by halves in silence."""
    assert in_child(lambda: _outcome(lambda: landlock.confine([str(tmp_path / "none")]))) == "FileNotFoundError"


def test_what_a_kernel_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By version, in words; below the least none is made, and the reason names what is needed and what there is."""
    for version, missing in (
        (7, []),
        (5, ["signals to other processes"]),
        (3, ["TCP connections", "signals to other processes"]),
    ):
        monkeypatch.setattr(landlock, "abi", lambda version=version: version)
        assert landlock.missing() == missing
        assert landlock.why_not() is None
    monkeypatch.setattr(landlock, "abi", lambda: 2)
    assert "needs Landlock version 3 (Linux 6.2), and it has version 2" in (landlock.why_not() or "")
    assert landlock.missing() == [landlock.why_not()]
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    assert (landlock.why_not() or "").endswith("and it has none")


def test_elsewhere_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """On another system or architecture nothing is tried."""
    monkeypatch.setattr(calls, "is_known", lambda: False)
    assert "not known" in (landlock.why_not() or "")
    assert landlock.abi() == 0
    monkeypatch.setattr(sys, "platform", "darwin")
    assert (landlock.why_not() or "").startswith("on darwin")
    with pytest.raises(OSError, match="on darwin"):
        landlock.confine([])
