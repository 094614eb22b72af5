"""File descriptors in a process that is not ours: kept out of its way, and known again before they are used.

A script may close every descriptor it finds, and the next file it opens may get a number that was ours. So each of
ours is remembered with the device and inode it stands for, and looked at before it is touched.
"""

from __future__ import annotations

import fcntl
import os
import resource
from dataclasses import dataclass

_HIGH = 512  # above what scripts open, and what `closerange(3, 256)` closes; below the 1,024 that `select` takes


class FileLost(OSError):
    """A file of ours is not where it was; the message says what has become of it."""


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file from every other; None where there is none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


@dataclass(frozen=True, slots=True)
class Held:
    """A descriptor, and the file that it stands for."""

    fd: int
    device: int
    inode: int

    @classmethod
    def of(cls, fd: int) -> Held:
        """Take note of the file that a descriptor stands for."""
        found = os.fstat(fd)
        return cls(fd, found.st_dev, found.st_ino)

    @property
    def is_ours(self) -> bool:
        """True while the descriptor still stands for it."""
        try:
            found = os.fstat(self.fd)
        except OSError:
            return False
        return found.st_ino == self.inode and found.st_dev == self.device


def moved_up(fd: int) -> int:
    """Return a high descriptor for the same file in place of ``fd``, which is closed; not inherited any further."""
    try:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _lowest())
    except OSError:
        os.set_inheritable(fd, False)
        return fd
    os.close(fd)
    return high


def _lowest() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _HIGH if soft < 0 else min(_HIGH, soft // 2)
