"""What a process has open, and why a child of it could have nothing of its own in the place of that."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass

OWN = "/proc/self/fd"
"""Where the kernel lists the descriptors of who looks."""
OUTPUT = frozenset({1, 2})
"""Numbers of the streams in the place of which a child gets others."""
_HARMLESS = frozenset(os.makedev(1, minor) for minor in (3, 5, 7, 8, 9))
"""Devices that remember nothing: null, zero, full, random, urandom."""
_TERMINALS = frozenset({4, 5, *range(136, 144)})
"""Major numbers."""
_KERNELS_OWN = ("/proc/", "/sys/")
_DATABASE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Open:
    """A descriptor."""

    number: int
    name: str
    """Path of its file, or what the kernel calls it: ``pipe:[4711]``."""
    mode: int
    """Kind and permissions, as ``stat`` has them."""
    file: tuple[int, int]
    """Device and inode."""
    device: int
    """Which device it is, where it is one."""
    flags: int
    offset: int
    """Where it reads or writes next; 0 where it has no such place."""
    size: int
    """Bytes of its file."""
    changed: int
    """When its file was changed last, in nanoseconds."""
    is_inherited: bool
    """A program that is started has it too."""

    @property
    def is_file(self) -> bool:
        """True for a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def writes(self) -> bool:
        """True where it is open for writing."""
        return self.flags & os.O_ACCMODE != os.O_RDONLY

    @property
    def reads(self) -> bool:
        """True where it is open for reading."""
        return self.flags & os.O_ACCMODE != os.O_WRONLY and not self.flags & os.O_PATH

    @property
    def is_harmless(self) -> bool:
        """True where it does not matter who uses it: no place in it moves, and it keeps nothing."""
        return bool(self.flags & os.O_PATH) or (stat.S_ISCHR(self.mode) and self.device in _HARMLESS)

    def lies_in(self, folder: str) -> bool:
        """Tell whether it is a folder, of which the real path is given, or something in it."""
        return self.name == folder or self.name.startswith(f"{folder}{os.sep}")

    def is_there(self) -> bool:
        """Tell whether it is still open, for the same file."""
        try:
            found = os.fstat(self.number)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.file

    def why_not(self) -> str | None:
        """Return why a child cannot have the like of it; None: it can."""
        if self.is_harmless or stat.S_ISDIR(self.mode):
            return None
        if self.is_file:
            return self._why_not_file()
        return f"{self._kind()} is open (descriptor {self.number}), which a child would share with the script"

    def _kind(self) -> str:
        if stat.S_ISFIFO(self.mode):
            return "a pipe"
        if stat.S_ISSOCK(self.mode):
            return "a socket"
        if stat.S_ISCHR(self.mode) and os.major(self.device) in _TERMINALS:
            return "a terminal"
        return self.name

    def _why_not_file(self) -> str | None:
        if self.writes and self.name.startswith(_KERNELS_OWN):
            return f"{self.name} is open for writing (descriptor {self.number}), which cannot be copied"
        if not self.reads or self.size < len(_DATABASE):
            return None
        with contextlib.suppress(OSError):
            if os.pread(self.number, len(_DATABASE), 0) == _DATABASE:
                return f"an SQLite database is open ({self.name}), which script and child would lock in turns"
        return None


def look(ours: Collection[int]) -> list[Open]:
    """Return what is open, but for what is gradb's own, in the order of the numbers."""
    found = []
    for number in numbers():
        if number not in ours:
            with contextlib.suppress(OSError):  # another thread has closed it
                found.append(_look_at(number))
    return found


def numbers() -> list[int]:
    """Return the numbers of all descriptors."""
    return [number for number in sorted(map(int, os.listdir(OWN))) if _is_open(number)]


def streams_of(found: Collection[Open]) -> dict[int, int]:
    """Return which descriptors stand for stdout or stderr, and for which: those themselves, and copies of them."""
    of = {one.file: one.number for one in found if one.number in OUTPUT and not one.is_file and not one.is_harmless}
    copies = {one.number: of[one.file] for one in found if one.file in of and not one.reads}
    return copies | {one.number: one.number for one in found if one.number in OUTPUT}


def why_not(found: Collection[Open]) -> str | None:
    """Return why a child cannot have the like of what is open; None: it can."""
    streams = streams_of(found)
    reasons = (one.why_not() for one in found if one.number not in streams)
    return next((why for why in reasons if why is not None), None)


def _is_open(number: int) -> bool:
    """Tell whether there is such a descriptor; the one by which they were listed is closed by now."""
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _look_at(number: int) -> Open:
    found = os.fstat(number)
    flags = fcntl.fcntl(number, fcntl.F_GETFL)
    return Open(
        number,
        os.readlink(f"{OWN}/{number}"),
        found.st_mode,
        (found.st_dev, found.st_ino),
        found.st_rdev,
        flags,
        _offset(number),
        found.st_size,
        found.st_mtime_ns,
        os.get_inheritable(number),
    )


def _offset(number: int) -> int:
    try:
        return os.lseek(number, 0, os.SEEK_CUR)
    except OSError:
        return 0
