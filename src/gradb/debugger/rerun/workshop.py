"""Hidden folders in which tapes are made that are put elsewhere once they are whole: nothing of them is left.

What another process has left that was killed is swept away by the next one; it is known by a lock that nobody holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gradb.debugger.errors import UserError

_PREFIX = ".again-"
_LOCK = "lock"
_BEGINNING = 60.0
"""Seconds within which a folder that was just made has got its lock."""


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[str]:
    """Make a hidden folder in ``folder``, which is made too, for as long as it is needed; an empty ``folder`` goes too.

    Raises:
        UserError: nothing can be written there.
    """
    fd = -1
    own = None
    try:
        try:
            folder.mkdir(exist_ok=True)
            _sweep(folder)
            own = tempfile.mkdtemp(prefix=_PREFIX, dir=folder)
            fd = os.open(Path(own, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
        yield own
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
        if fd >= 0:
            os.close(fd)
        with contextlib.suppress(OSError):
            folder.rmdir()


def _sweep(folder: Path) -> None:
    """Remove what was left by those that were killed."""
    for one in folder.glob(f"{_PREFIX}*"):
        if one.is_dir() and not one.is_symlink() and _is_left(one):
            shutil.rmtree(one, ignore_errors=True)


def _is_left(own: Path) -> bool:
    try:
        fd = os.open(own / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            return time.time() - own.stat().st_mtime > _BEGINNING
        return False
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
