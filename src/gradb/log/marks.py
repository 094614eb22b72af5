"""Tapes as they were at the checkpoints of a run: the scribe puts one there for each, for those who go on from it.

They lie in a folder beside the tape, and go with the checkpoint. Who holds one holds a lock on the folder: what nobody
holds was left by somebody who was killed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import time

from gradb.log import segments
from gradb.tape import trouble
from gradb.tape.descriptors import FileLost, identity

_OURS = re.compile(r"\d{1,9}(\.tape|\.part(-journal|-wal|-shm)?|-files)", re.ASCII)
_PATIENCE = 5.0
"""Seconds within which a scribe that is behind has come to a mark."""
_EVERY = 0.01


def folder_of(tape: str | os.PathLike[str]) -> str:
    """Return the folder in which the tapes of a run's checkpoints lie."""
    return f"{os.path.abspath(os.fspath(tape))}-marks"


def path_of(tape: str | os.PathLike[str], number: int) -> str:
    """Return the path of the tape as it was at a checkpoint."""
    return os.path.join(folder_of(tape), f"{number}.tape")


def part_of(tape: str | os.PathLike[str], number: int) -> str:
    """Return where that is made."""
    return os.path.join(folder_of(tape), f"{number}.part")


def files_of(tape: str | os.PathLike[str], number: int) -> str:
    """Return the folder for copies of the files that the script had open at a checkpoint."""
    return os.path.join(folder_of(tape), f"{number}-files")


def make(tape: str | os.PathLike[str]) -> None:
    """Make the folder, unless it is there.

    Raises:
        OSError: it cannot be made, or something else lies in its place.
    """
    folder = folder_of(tape)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    if not _is_ours(folder):
        raise FileExistsError(errno.EEXIST, f"{folder} is there already, and it is no folder of gradb's")


def _is_ours(folder: str) -> bool:
    """Tell whether there is such a folder, and nothing in it that we would not have put there."""
    try:
        return not os.path.islink(folder) and all(map(_OURS.fullmatch, os.listdir(folder)))
    except OSError:
        return False


def hold(tape: str | os.PathLike[str]) -> int:
    """Return a descriptor that keeps what lies in the folder from being swept away, as long as it is open.

    Raises:
        OSError: there is no such folder, or nothing can be locked there.
    """
    return _locked(tape, fcntl.LOCK_SH)


def _locked(tape: str | os.PathLike[str], how: int) -> int:
    fd = os.open(folder_of(tape), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def lay_out(tape: str, number: int, target: str) -> tuple[int, int]:
    """Copy the tape as it was at a checkpoint, and make an empty folder for its log; return what tells the copy.

    Raises:
        OSError: the scribe has not put it there in some seconds, or the disk does not take the copy.
    """
    path, deadline = path_of(tape, number), time.monotonic() + _PATIENCE
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(_EVERY)
    try:
        shutil.copyfile(path, target)
        segments.make(segments.folder_of(target))
        found = identity(target)
        if found is None:
            raise FileLost(trouble.GONE)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(target)
        raise
    return found


def discard(tape: str, number: int) -> None:
    """Remove what belongs to one checkpoint, and the folder with the last."""
    for path in (path_of(tape, number), part_of(tape, number)):
        with contextlib.suppress(OSError):
            os.unlink(path)
    shutil.rmtree(files_of(tape, number), ignore_errors=True)
    with contextlib.suppress(OSError):
        os.rmdir(folder_of(tape))


def sweep(tape: str | os.PathLike[str]) -> None:
    """Remove what lies there, unless somebody holds it."""
    try:
        fd = _locked(tape, fcntl.LOCK_EX)
    except OSError:
        return
    if _is_ours(folder := folder_of(tape)):
        shutil.rmtree(folder, ignore_errors=True)
    os.close(fd)
