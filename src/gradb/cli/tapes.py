"""Where a new tape goes: to the file that the user names, or with the recent ones, of which the newest 20 are kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from gradb.cli.complaint import complain
from gradb.cli.recordings import recent_folder, recent_tapes
from gradb.cli.target import is_tape
from gradb.debugger.branches.beside import folder_of as branches_beside
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.relived import discard_beside, folder_of as relived_beside
from gradb.log.segments import folder_of, is_strange
from gradb.scribe.tapes import discard
from gradb.tape.descriptors import Held

KEPT = 20
_IS = ("is", "are")


@contextlib.contextmanager
def output(name: str) -> Iterator[str]:
    """Make room for a new tape and give its absolute path (the script may change directory), for as long as it is ours.

    Raises:
        UserError: it cannot be written there, it is being written, or there is a file that is no tape.
    """
    path = _absolute(name)
    with _claimed(name, path):
        yield _make_room(name, path)


@contextlib.contextmanager
def _claimed(name: str, path: Path) -> Iterator[None]:
    """Hold the lock of a tape, in a file beside it; what a recorder that was killed leaves of it locks nothing."""
    lock = path.with_name(f"{path.name}-lock")
    fd = _lock(name, lock)
    try:
        yield
    finally:
        if fd is not None:
            lock.unlink(missing_ok=True)
            os.close(fd)


def _lock(name: str, lock: Path) -> int | None:
    """Return the descriptor that holds the lock; None where there are no locks."""
    while True:
        try:
            fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UserError(f"cannot write {name}: {error.strerror}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if Held.of(fd) == _held(lock, fd):
                return fd
            os.close(fd)  # another recorder has ended in between, and removed it
        except BlockingIOError as error:
            os.close(fd)
            raise UserError(f"cannot write {name}: another gradb is recording to it") from error
        except OSError:
            os.close(fd)
            lock.unlink(missing_ok=True)
            return None


def _held(path: Path, fd: int) -> Held | None:
    """Return what a descriptor would be if it stood for the file at ``path`` now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Held(fd, found.st_dev, found.st_ino)


def _absolute(name: str) -> Path:
    try:
        path = Path(name).expanduser().absolute()
        _check_room(name, path)
    except OSError as error:
        raise UserError(f"cannot write {name}: {error.strerror}") from error
    except RuntimeError as error:  # the `~` of nobody
        raise UserError(f"cannot write {name}: {error}") from error
    return path


def _make_room(name: str, path: Path) -> str:
    try:
        path.open("ab").close()
        discard(path)
    except OSError as error:
        raise UserError(f"cannot write {name}: {error.strerror}") from error
    if count := discard_beside(path):
        were = "iteration that was" if count == 1 else "iterations that were"
        complain(f"{name} is recorded anew: {count:,} {were} lived again of its old run {_IS[count != 1]} removed")
    return str(path)


def _check_room(name: str, path: Path) -> None:
    if path.is_dir():
        raise UserError(f"cannot write {name}: it is a directory")
    if not path.parent.is_dir():
        raise UserError(f"cannot write {name}: there is no folder {path.parent}")
    if path.exists() and not path.is_file():
        raise UserError(f"cannot write {name}: it is not a regular file")
    if is_strange(folder_of(path)):
        raise UserError(f"cannot write {name}: {name}-log is there already, and it is no log of gradb's")
    if path.exists() and path.stat().st_size and not is_tape(str(path)):
        raise UserError(f"cannot write {name}: there is a file of that name already, and it is not a tape")


def new_recent_tape(target: str) -> str:
    """Return the path for a new tape of a run of ``target``, and let the oldest go."""
    for path in recent_tapes()[KEPT - 1 :]:
        if not path.with_name(path.name + "-wal").exists():  # that one is being written
            discard(path)
            for folder in (relived_beside(path), branches_beside(path)):
                shutil.rmtree(folder, ignore_errors=True)
    stem = "".join(char if char.isalnum() or char in "-_" else "_" for char in Path(target).stem)[:60]
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return str(recent_folder() / f"{stem}-{stamp}-{os.getpid()}.tape")
