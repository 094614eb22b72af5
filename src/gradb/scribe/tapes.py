"""Tapes and their logs as files: laid out before a script begins, made whole where nobody could, discarded together."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable

from gradb.log import marks, segments
from gradb.log.layouts import DamageError
from gradb.scribe.transcript import Transcript
from gradb.tape import trouble
from gradb.tape.descriptors import FileLost, identity
from gradb.tape.finish import tidy
from gradb.tape.owning import remove
from gradb.tape.writer import TapeWriter

_BEGINNING = 5.0
"""Seconds within which a recording that has begun has claimed its log."""


def lay_out(path: str | os.PathLike[str], *, is_indexed: bool) -> tuple[int, int]:
    """Make an empty tape, and the folder for its log; return what tells the tape from every other file.

    Args:
        path: of a file that does not exist yet.
        is_indexed: whether readers are to be quick from the beginning.

    Raises:
        sqlite3.Error, OSError: the disk does not take it; nothing is left.
    """
    TapeWriter(path, is_indexed=is_indexed).release()
    try:
        segments.make(segments.folder_of(path))
        found = identity(os.fspath(path))
        if found is None:
            raise FileLost(trouble.GONE)
    except BaseException:
        discard(path)
        raise
    return found


def discard(path: str | os.PathLike[str]) -> None:
    """Remove a tape, and its log."""
    remove(path)
    discard_log(path)


def _has_just_begun(folder: str) -> bool:
    """Tell whether a log has no segment yet, and may be about to be claimed."""
    try:
        return not segments.numbers_in(folder) and time.time() - os.stat(folder).st_mtime < _BEGINNING
    except OSError:
        return True


def drop_lock(path: str | os.PathLike[str]) -> None:
    """Remove the lock of a tape that a recorder which was killed has left, if nobody holds it."""
    lock = f"{os.fspath(path)}-lock"
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(lock)
    os.close(fd)


def discard_log(path: str | os.PathLike[str]) -> None:
    """Remove the log of a tape."""
    segments.remove(segments.folder_of(path))


def complete(path: str | os.PathLike[str], told: Callable[[float], object] = lambda share: None) -> None:
    """Make a tape whole whose run was cut off before its scribe was done; where there is no log, nothing is to be done.

    A log that cannot be used, or that another process is reading, is left as it is: the tape goes as far as it goes.

    Args:
        path: of the tape.
        told: is called with the share of the log that is done, after each batch.
    """
    drop_lock(path)
    folder = segments.folder_of(path)
    if not os.path.lexists(folder):
        marks.sweep(path)
        tidy(path)
        return
    if segments.is_strange(folder) or _has_just_begun(folder):
        return
    try:
        claimed = segments.claim(folder)
    except OSError:
        return  # it is being recorded
    try:
        with Transcript(path) as transcript:
            while transcript.advance():
                transcript.commit()
                told(transcript.share)
            transcript.finish()
    except (sqlite3.Error, OSError, DamageError):
        pass
    finally:
        marks.sweep(path)
        os.close(claimed)
    if not os.path.lexists(folder):
        tidy(path)
